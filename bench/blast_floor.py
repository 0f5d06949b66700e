"""What a blast is measured against: a plain loop that sends the same requests and writes nothing.

The same number of recipients a request, texts as long, urllib3 with kept connections as the adapters have it, one request
after the other, or in as many threads and processes as are wanted; each answer is read. A process of its own:
``python -m bench.blast_floor`` reads a ``FloorScript`` from stdin, says that it is ready, begins when stdin is closed, and
tells when it began and ended.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

import urllib3

from bench.failure import BenchFailed

_PROJECT = Path(__file__).resolve().parents[1]
_READY = "ready"


@dataclass(frozen=True, slots=True)
class FloorScript:
    """What one process sends: to the numbers from ``first`` on, ``count`` of them. ``gateway``: whose API is spoken.
    ``begins_at``: the moment of the monotonic clock to begin at, if that is still to come."""

    url: str
    gateway: str
    first: int
    count: int
    per_request: int
    threads: int
    text: str
    begins_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Floor:
    """What the floor reached: messages, seconds from the first process' begin to the last one's end (``ended``, by the
    monotonic clock), its own CPU."""

    messages: int
    seconds: float
    cpu_seconds: float
    ended: float = 0.0

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.messages / max(self.seconds, 1e-9)


def measure_floor(
    url: str,
    gateway: str,
    *,
    messages: int,
    per_request: int,
    threads: int,
    processes: int,
    text: str,
    begins_at: float = 0.0,
) -> Floor:
    """Run the floor against a stub, from ``begins_at`` on if that is still to come; raises ``BenchFailed``."""
    share = -(-messages // processes)
    scripts = [
        FloorScript(url, gateway, first, min(share, messages - first), per_request, threads, text, begins_at)
        for first in range(0, messages, share)
    ]
    running = [
        subprocess.Popen(
            (sys.executable, "-m", "bench.blast_floor"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_PROJECT,
        )
        for _ in scripts
    ]
    try:
        for process, script in zip(running, scripts, strict=True):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asdict(script)) + "\n")
            process.stdin.flush()
            if process.stdout.readline().strip() != _READY:
                raise BenchFailed("the floor did not start")
        accounts = [json.loads(_finish(process)) for process in _begin(running)]
    except (OSError, ValueError) as error:
        raise BenchFailed("the floor ended without a word") from error
    finally:
        for process in running:
            process.kill()
            process.wait()
    ended = max(one["ended"] for one in accounts)
    return Floor(
        messages, ended - min(one["began"] for one in accounts), sum(one["cpu_seconds"] for one in accounts), ended
    )


def _begin(running: Sequence[subprocess.Popen[str]]) -> Sequence[subprocess.Popen[str]]:
    for process in running:
        assert process.stdin is not None
        process.stdin.close()
    return running


def _finish(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.read()


def _requests(script: FloorScript) -> list[tuple[str, dict[str, str], list[str]]]:
    """Address, header and numbers of each request."""
    numbers = [f"+62836{number:08}" for number in range(script.first, script.first + script.count)]
    groups = [numbers[at : at + script.per_request] for at in range(0, len(numbers), script.per_request)]
    if script.gateway == "africastalking":
        headers = {"apiKey": "floor", "Accept": "application/json"}
        url = f"{script.url}/version1/messaging"
    else:
        account = "AC00000000000000000000000000000000"
        headers = {"Authorization": "Basic " + base64.b64encode(f"{account}:floor".encode()).decode()}
        url = f"{script.url}/2010-04-01/Accounts/{account}/Messages.json"
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return [(url, headers, group) for group in groups]


def _form(script: FloorScript, numbers: Sequence[str]) -> dict[str, str]:
    if script.gateway == "africastalking":
        form = {"username": "bench", "to": ",".join(numbers), "message": script.text, "bulkSMSMode": "1"}
        return form | ({"enqueue": "1"} if len(numbers) > 1 else {})
    callback = f"http://127.0.0.1:8000/webhooks/twilio/receipts?message={numbers[0][-7:]}"
    return {"To": numbers[0], "From": "+15005550006", "Body": script.text, "StatusCallback": callback}


def main() -> None:
    """Send what stdin asks for."""
    script = FloorScript(**json.loads(sys.stdin.readline()))
    requests = _requests(script)
    pool = urllib3.PoolManager(maxsize=script.threads, block=True)

    def send(request: tuple[str, dict[str, str], list[str]]) -> None:
        url, headers, numbers = request
        body = urlencode(_form(script, numbers)).encode()
        answer = pool.urlopen("POST", url, body=body, headers=headers, retries=False, redirect=False)
        json.loads(answer.data)
        if answer.status != 201:
            raise SystemExit(f"the stub answered HTTP {answer.status}")

    with ThreadPoolExecutor(script.threads) as threads:
        print(_READY, flush=True)
        sys.stdin.read()
        time.sleep(max(0.0, script.begins_at - time.monotonic()))
        began, cpu = time.monotonic(), time.process_time()
        for _ in threads.map(send, requests):
            pass
        ended, spent = time.monotonic(), time.process_time() - cpu
    json.dump({"began": began, "ended": ended, "cpu_seconds": spent}, sys.stdout)


if __name__ == "__main__":
    main()
