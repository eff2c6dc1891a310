# docker build -t seedqa . ; then see compose.yaml. Each RUN is a command that tests/test_installed.py runs.
FROM python:3.13-slim
WORKDIR /srv
COPY . /src
RUN python -m venv /srv/venv
RUN /srv/venv/bin/python -m pip install --no-cache-dir -c /src/constraints.txt /src
RUN useradd --create-home reader && mkdir documents index && chown reader documents index
USER reader
ENV QA_SEEDS=/srv/documents QA_INDEX=/srv/index/live QA_HOST=0.0.0.0
EXPOSE 7860
HEALTHCHECK CMD ["/srv/venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz')"]
CMD ["sh", "-c", "/srv/venv/bin/qa build --allow-empty && exec /srv/venv/bin/qa serve"]
