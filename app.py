"""The web page: `python app.py` is `qa serve`."""

from qa.cli import run

if __name__ == "__main__":
    raise SystemExit(run(["serve"]))
