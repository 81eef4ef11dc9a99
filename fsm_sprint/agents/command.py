"""The first driver: any program that reads a prompt on stdin.

Its exit status decides, and the result that it may leave at the end of its stdout.
"""

from collections.abc import Mapping

from fsm.transition import Facts
from fsm_sprint.agents.contract import TAIL
from fsm_sprint.agents.ending import judged
from fsm_sprint.agents.result import result


class Command:
    """One attempt of a program."""

    def __init__(self, argv: tuple[str, ...], prompt: str, model: str | None) -> None:
        """`model` is told by the environment: a program that wants it on its command line is given it there."""
        self._argv = argv
        self._prompt = prompt
        self._model = model
        self._tail = b""

    def argv(self) -> tuple[str, ...]:
        """As it was given."""
        return self._argv

    def env(self) -> dict[str, str]:
        """The model, where one was chosen."""
        return {} if self._model is None else {"FSM_SPRINT_MODEL": self._model}

    def stdin(self) -> bytes:
        """The prompt in UTF-8; half a surrogate pair becomes a question mark."""
        return self._prompt.encode("utf-8", "replace")

    def feed(self, raw: bytes) -> Facts:
        """Keeps the end of what was printed; nothing is known before it has ended."""
        self._tail = (self._tail + raw)[-TAIL:]
        return {}

    def finish(self, ended: Mapping[str, str], errors: bytes = b"") -> tuple[str, Facts]:  # noqa: ARG002  # judged by status
        """A failure by status stays one whatever was said, except that an agent may always ask for a person."""
        verdict, facts = judged(ended)
        said = result(self._tail.decode("utf-8", "replace"))
        if said is None:
            if verdict == "ok" and "why" in facts:
                # Some agents end with 0 when they are told to: that is no proof of work done.
                verdict = "killed" if facts["why"] == "stopped" else str(facts["why"])
                facts["error"] = f"ended with code 0, but only when it was told to ({facts['why']})"
            return verdict, facts
        meant, told = said
        if verdict == "ok" or meant == "needs-human":
            if meant == "failed":
                told.setdefault("error", told.get("summary", "the agent says that it failed"))
            return meant, {**facts, **told}
        return verdict, {**told, **facts}
