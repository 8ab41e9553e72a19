"""How the HTTP side says no: one JSON shape, both languages, and the status codes that boxes rely on."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from patrol.center.answers import ErrorAnswer, Name
from patrol.errors import DiskFull, PatrolError, StorageError, Text
from patrol.errors.faults import fault_in_chinese

RETRY_AFTER_S = "2"


class Refused(Exception):
    """A request is refused. Never leaves the HTTP side: `install` makes an answer of it."""

    def __init__(self, status: int, code: str, said: Text, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.said, self.headers = status, code, said, headers


def said_by(err: PatrolError) -> Name:
    """An error of ours in both languages."""
    return Name(zh=err.explain("zh-CN"), en=err.explain("en"))


def _answer(status: int, code: str, said: Name, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"error": ErrorAnswer(code=code, message=said).model_dump()}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **(headers or {})})


_HTTP_WORDS = {
    404: Text("There is nothing here.", "这里没有内容。"),
    405: Text("That cannot be done here.", "这里不支持该操作。"),
}
_OTHERWISE = Text("The request is not understood.", "无法理解该请求。")


def install(app: FastAPI) -> None:
    """Let `app` answer refusals and errors in our shape."""

    async def refused(_request: Request, err: Exception) -> JSONResponse:
        assert isinstance(err, Refused)  # noqa: S101 - the handler is registered for nothing else
        return _answer(err.status, err.code, Name(zh=err.said.zh, en=err.said.en), err.headers)

    async def storage(_request: Request, err: Exception) -> JSONResponse:
        assert isinstance(err, StorageError)  # noqa: S101 - the handler is registered for nothing else
        status = 507 if isinstance(err, DiskFull) else 503
        return _answer(status, type(err).__name__, said_by(err), {"Retry-After": RETRY_AFTER_S})

    async def http(_request: Request, err: Exception) -> JSONResponse:
        assert isinstance(err, HTTPException)  # noqa: S101 - the handler is registered for nothing else
        said = _HTTP_WORDS.get(err.status_code, _OTHERWISE)
        return _answer(err.status_code, f"http-{err.status_code}", Name(zh=said.zh, en=said.en), err.headers)

    async def invalid(_request: Request, err: Exception) -> JSONResponse:
        assert isinstance(err, RequestValidationError)  # noqa: S101 - the handler is registered for nothing else
        fault = err.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        zh, en = (
            f"参数 {where} 不正确：{fault_in_chinese(fault['msg'])}",
            f"The parameter {where} is wrong: {fault['msg']}",
        )
        return _answer(422, "parameter", Name(zh=zh, en=en))

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(StorageError, storage)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
