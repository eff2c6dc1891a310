"""The web page: `python app.py` is `qa serve`."""

from qa.cli import run
from qa.processes import go_offline

if __name__ == "__main__":
    go_offline()
    raise SystemExit(run(["serve"]))
