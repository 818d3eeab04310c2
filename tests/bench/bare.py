"""The baseline of `muster bench api`: FastAPI with one route that does one `SELECT 1`, on the pool and uvicorn of the
server; `python -m tests.bench.bare PORT`.
"""

import sys

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from config import settings as config
from server import database

app = FastAPI(openapi_url=None)
_settings = config.load()
_engine = database.connect(_settings.database.conninfo, pool=_settings.database.pool)


@app.get("/")
def select_1() -> dict[str, int]:
    """One statement in a transaction of its own."""
    with database.transaction(_engine) as session:
        return {"one": session.execute(text("SELECT 1")).scalar_one()}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False, ws="none")
