"""The same users, projects and entries in any server of the API, made through
the API, with the ids and tokens it gave. Making a project is an event of the
timeline in both, which entries are in one: users have as many as fill a page of 50."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import jwt
import requests

USERS = 64
PROJECTS = 50
ENTRIES = 9
AT_ONCE = 4
PASSWORD = "correct horse battery"
FIRST_DAY = datetime.now(timezone.utc).replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=ENTRIES + 2)


@dataclass
class User:
    user_id: int
    email: str
    token: str
    projects: list


def times(number, entry):
    start = FIRST_DAY + timedelta(days=entry, hours=number % 8)
    return start, start + timedelta(minutes=20 + (number * 7 + entry * 13) % 100)


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def make_user(url, number):
    with requests.Session() as session:

        def send(method, path, body):
            answer = session.request(method, url + path, json=body, timeout=60)
            assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
            return answer.json()

        name = f"bench{number:04d}"
        body = {"email": f"{name}@example.com", "password": PASSWORD, "username": name}
        token = send("POST", "/auth/signup", body)["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        projects = [
            send("POST", "/projects", {"name": f"{name}: {at}", "visibility": "public" if at % 2 else "private"})[
                "project_id"
            ]
            for at in range(PROJECTS)
        ]
        for entry in range(ENTRIES):
            start, end = times(number, entry)
            body = {"project_id": projects[entry % 3], "start_time": stamp(start)}
            entry_id = send("POST", "/time-entries", body)["entry_id"]
            send("PUT", f"/time-entries/{entry_id}/end", {"end_time": stamp(end)})
        claims = jwt.decode(token, options={"verify_signature": False})
        return User(int(claims["sub"]), f"{name}@example.com", token, projects)


def fill(url):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda number: make_user(url, number), range(USERS)))
