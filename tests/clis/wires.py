"""The wire formats of three providers: turns as the bytes of their streams, refusals as their statuses and headers.

Rule: only what the agents need to be convinced, and numbers that a test can look for: see `INPUT` and its like.
"""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tests.clis.scenario import Do, Refuse, Say, Structured, Write

INPUT, CACHED, OUTPUT = 100, 20, 7
"""Tokens that every turn reports: read anew, read from the cache, written."""

Spoken = Say | Write | Do | Structured


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    kind: str
    body: bytes
    headers: Mapping[str, str] = {}


def answer(wire: str, turn: Spoken | Refuse, request: dict[str, Any]) -> Reply:
    """A turn in a provider's own form: `anthropic`, `openai` or `google`."""
    if isinstance(turn, Refuse):
        return _REFUSED[wire](turn)
    return Reply(200, "text/event-stream", _SPOKEN[wire](turn, request))


def aside(wire: str) -> Reply:
    """An answer to what is asked beside the conversation: counts of tokens, lists of models."""
    found: dict[str, object] = {"input_tokens": INPUT, "totalTokens": INPUT, "data": [], "models": []}
    return Reply(200 if wire else 404, "application/json", json.dumps(found).encode())


def _events(found: Iterable[dict[str, Any]], *, named: bool) -> bytes:
    return b"".join(
        (f"event: {event['type']}\n" if named else "").encode() + f"data: {json.dumps(event)}\n\n".encode()
        for event in found
    )


# Messages, by Anthropic


def _anthropic(turn: Spoken, request: dict[str, Any]) -> bytes:
    if isinstance(turn, Say):
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta: dict[str, Any] = {"type": "text_delta", "text": turn.text}
    else:
        name, given = {
            Write: lambda one: ("Write", {"file_path": one.path, "content": one.text}),
            Do: lambda one: ("Bash", {"command": one.command, "description": "Does it"}),
            Structured: lambda one: ("StructuredOutput", one.value),
        }[type(turn)](turn)
        block = {"type": "tool_use", "id": f"toolu_{len(request['messages'])}", "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
    usage = {
        "input_tokens": INPUT,
        "output_tokens": 1,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": CACHED,
    }
    message = {
        "id": f"msg_{len(request['messages'])}",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    stop = "end_turn" if isinstance(turn, Say) else "tool_use"
    return _events(
        [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": OUTPUT},
            },
            {"type": "message_stop"},
        ],
        named=True,
    )


def _anthropic_refused(turn: Refuse) -> Reply:
    kind = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}.get(
        turn.status, "api_error"
    )
    body = {"type": "error", "error": {"type": kind, "message": f"refused with {turn.status}"}}
    headers = (
        {
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-reset": str(turn.resets),
            "anthropic-ratelimit-unified-representative-claim": "five_hour",
        }
        if turn.resets
        else {}
    )
    return _json(turn.status, body, headers)


# Responses, by OpenAI


def _openai(turn: Spoken, request: dict[str, Any]) -> bytes:
    number = len(request["input"])
    if isinstance(turn, Say | Structured):
        text = turn.text if isinstance(turn, Say) else json.dumps(turn.value)
        item: dict[str, Any] = {
            "id": f"m{number}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }
        items = [item] if text else []
    else:
        command = (
            turn.command if isinstance(turn, Do) else f"printf %s {_quoted(turn.text)} > {_quoted(turn.path)}"
        )
        items = [
            {
                "id": f"f{number}",
                "call_id": f"call_{number}",
                "type": "function_call",
                "name": "exec_command",
                "arguments": json.dumps({"cmd": command}),
            }
        ]
    usage = {
        "input_tokens": INPUT + CACHED,
        "input_tokens_details": {"cached_tokens": CACHED},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT + CACHED + OUTPUT,
    }
    return _events(
        [
            {"type": "response.created", "response": {"id": f"r{number}"}},
            *({"type": "response.output_item.done", "output_index": 0, "item": one} for one in items),
            {"type": "response.completed", "response": {"id": f"r{number}", "usage": usage}},
        ],
        named=True,
    )


def _openai_refused(turn: Refuse) -> Reply:
    error: dict[str, object] = {"message": f"refused with {turn.status}", "type": "server_error"}
    if turn.status == 401:
        error |= {"type": "invalid_request_error", "code": "invalid_api_key"}
    elif turn.resets:
        error |= {"type": "usage_limit_reached", "plan_type": "plus", "resets_at": turn.resets}
    elif turn.status == 429:
        error |= {"type": "requests", "code": "rate_limit_exceeded"}
    return _json(turn.status, {"error": error})


def _quoted(text: str) -> str:
    assert "'" not in text
    return f"'{text}'"


# streamGenerateContent, by Google


def _google(turn: Spoken, request: dict[str, Any]) -> bytes:
    part: dict[str, object]
    if isinstance(turn, Write):
        part = {
            "functionCall": {"name": "write_file", "args": {"file_path": turn.path, "content": turn.text}}
        }
    elif isinstance(turn, Do):
        part = {"functionCall": {"name": "run_shell_command", "args": {"command": turn.command}}}
    elif isinstance(turn, Structured):
        part = {"text": f"```json\n{json.dumps(turn.value)}\n```"}
    else:
        part = {"text": turn.text}
    found = {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": INPUT + CACHED,
            "candidatesTokenCount": OUTPUT,
            "totalTokenCount": INPUT + CACHED + OUTPUT,
            "cachedContentTokenCount": CACHED,
        },
        "modelVersion": "gemini-2.5-pro",
    }
    return _events([found], named=False)


def _google_refused(turn: Refuse) -> Reply:
    status = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}.get(
        turn.status, "INTERNAL"
    )
    error: dict[str, object] = {
        "code": turn.status,
        "message": f"refused with {turn.status}",
        "status": status,
    }
    if turn.resets:
        wait = {
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": f"{turn.resets - time.time():.0f}s",
        }
        error["details"] = [wait]
    return _json(turn.status, {"error": error})


def _json(status: int, body: object, headers: Mapping[str, str] = {}) -> Reply:
    return Reply(status, "application/json", json.dumps(body).encode(), headers)


_SPOKEN = {"anthropic": _anthropic, "openai": _openai, "google": _google}
_REFUSED = {"anthropic": _anthropic_refused, "openai": _openai_refused, "google": _google_refused}
