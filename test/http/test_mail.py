"""Mail: notifications for who wants them, a word about a changed password, and resetting one."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
import requests
from conftest import PASSWORD, sign_up
from harness import Mailbox, eventually
from harness.stage import Stage

pytestmark = pytest.mark.raw  # a proxy of its own, that no Prism stands in front of

NEW = "another correct horse"


@pytest.fixture(scope="module")
def posted(postgres, tmp_path_factory):
    """A database of this file's own, and a proxy that sends mails to `mailbox`."""
    stage = Stage(postgres, tmp_path_factory.mktemp("posted"))
    stage.mailbox = Mailbox()
    try:
        stage.front = stage.proxy(
            redis=False, SMTP_URL=stage.mailbox.url(), MAIL_FROM="TimeTrackr <no-reply@timetrackr.example>",
            PUBLIC_URL="https://api.timetrackr.example/v1/", FRONTEND_URL="https://app.timetrackr.example,http://localhost:5173",
        )
        yield stage
    finally:
        stage.end()
        stage.mailbox.stop()


@pytest.fixture
def mailbox(posted):
    posted.mailbox.replies.clear()
    return posted.mailbox


@pytest.fixture
def ann(posted):
    return sign_up(posted.front)


def notify(posted, user, kind="member_removed", **payload):
    """A notification by somebody else's doing; its id."""
    payload = payload or {"project_id": 1, "project_name": "Garden"}
    return posted.value(
        "INSERT INTO timetrackr.notifications (user_id, kind, payload) VALUES (%s, %s, to_jsonb(%s::json)) RETURNING id",
        user.id, kind, json.dumps(payload))


def decided(posted):
    """Wait until the relay has decided who is mailed of what there is."""
    eventually(lambda: not posted.events_wait(), what="no event waiting")


def mails_to(mailbox, user, subject=None, count=1):
    def found():
        return [mail for mail in mailbox.to(user.email) if subject is None or mail["Subject"] == subject]

    return eventually(lambda: found()[count - 1:] and found(), what=f"{count} mails {subject or ''}")


def forget(user, email=None):
    return user.post("/auth/password/forgot", {"email": email or user.email})


def tokens(mailbox, user, count=1):
    mails = mails_to(mailbox, user, "Reset your password", count)
    return [re.search(r"https://app\.timetrackr\.example/reset-password#token=([\w-]{43})\s", mail.text).group(1) for mail in mails]


def reset(user, token, password=NEW):
    return user.post("/auth/password/reset", {"token": token, "new_password": password})


def log_in(posted, user, password):
    return posted.front.client().post("/auth/login", {"email": user.email, "password": password})


# ---- notifications ----


def test_only_who_asks_is_mailed_and_of_what_he_asks_for(posted, mailbox, ann):
    assert ann.get("/users/me").expect(200)["email_notifications"] == "none"
    notify(posted, ann)
    decided(posted)
    assert ann.patch("/users/me", {"email_notifications": "important"}).expect(200)["email_notifications"] == "important"
    notify(posted, ann, "badge_awarded", badge_id=1, name="Quiet")
    notify(posted, ann, project_id=1, project_name="Loud")
    assert [mail["Subject"] for mail in mails_to(mailbox, ann)] == ['You are no longer a member of the project "Loud".']
    ann.patch("/users/me", {"email_notifications": "all"}).expect(200)
    notify(posted, ann, "badge_awarded", badge_id=1, name="Heard")
    assert 'You have earned the badge "Heard".' in mails_to(mailbox, ann, count=2)[1].text
    ann.patch("/users/me", {"email_notifications": "some"}).expect(422, field="email_notifications")
    ann.patch("/users/me", {"email_notifications": None}).expect(422, field="email_notifications")


def test_kinds_may_be_chosen_one_by_one(posted, mailbox, ann):
    shown = ann.get("/users/me").expect(200)
    assert (shown["email_also"], shown["email_never"]) == ([], [])
    chosen = ann.patch("/users/me", {"email_also": ["streak_reached", "badge_awarded", "badge_awarded"]}).expect(200)
    assert (chosen["email_notifications"], chosen["email_also"]) == ("none", ["badge_awarded", "streak_reached"])
    notify(posted, ann)
    notify(posted, ann, "badge_awarded", badge_id=1, name="Chosen")
    mails_to(mailbox, ann, 'You have earned the badge "Chosen".')
    ann.patch("/users/me", {"email_notifications": "important", "email_also": None, "email_never": ["role_changed"]}).expect(200)
    notify(posted, ann, "badge_awarded", badge_id=1, name="No more")
    notify(posted, ann, "role_changed", project_name="Garden", **{"from": "viewer", "to": "manager"})
    notify(posted, ann, project_id=1, project_name="Important")
    mails_to(mailbox, ann, 'You are no longer a member of the project "Important".')
    # never goes before also, and before all
    ann.patch("/users/me", {"email_notifications": "all", "email_also": ["own_kind"], "email_never": ["own_kind"]}).expect(200)
    notify(posted, ann, "own_kind")
    notify(posted, ann, "another_kind")
    mails_to(mailbox, ann, "There is something new: another_kind.")
    assert len(mailbox.to(ann.email)) == 3
    export = ann.get("/users/me/export").expect(200)["account"]
    assert (export["email_notifications"], export["email_also"], export["email_never"]) == ("all", ["own_kind"], ["own_kind"])
    for name in ("email_also", "email_never"):
        for wrong in (["Badge"], [""], ["a b"], ["x" * 51], ["9th"], ["a-b"], ["x\n"]):
            ann.patch("/users/me", {name: wrong}).expect(422, "invalid_kind", name)
        ann.patch("/users/me", {name: [f"k{n}" for n in range(51)]}).expect(422, "too_many_kinds", name)
        ann.patch("/users/me", {name: "badge_awarded"}).expect(422, field=name)
        ann.patch("/users/me", {name: [f"k{n}" for n in range(50)] + ["k1"]}).expect(200)


def test_what_is_not_wanted_any_more_is_not_sent(posted, mailbox, ann):
    ann.patch("/users/me", {"email_also": ["badge_awarded", "member_removed"]}).expect(200)
    mailbox.replies["MAIL"] = ["451 later"] * 2
    told = [notify(posted, ann, "badge_awarded", badge_id=1, name="Late"), notify(posted, ann)]
    waiting = "SELECT count(*) FROM timetrackr.mails WHERE notification_id = ANY(%s) AND attempts = 1 AND status = 'pending'"
    eventually(lambda: posted.value(waiting, told) == 2, what="both refused")
    ann.patch("/users/me", {"email_never": ["badge_awarded"]}).expect(200)
    posted.query("UPDATE timetrackr.mails SET run_at = now() WHERE notification_id = ANY(%s)", told)
    posted.query("NOTIFY timetrackr_outbound")
    eventually(lambda: posted.value("SELECT status FROM timetrackr.mails WHERE notification_id = %s", told[0]) == "dropped")
    assert [mail["Subject"] for mail in mails_to(mailbox, ann)] == ['You are no longer a member of the project "Garden".']


def test_a_mail_is_what_it_should_be(posted, mailbox, ann):
    ann.patch("/users/me", {"email_notifications": "all"}).expect(200)
    notify(posted, ann)
    (mail,) = mails_to(mailbox, ann)
    assert mail.sender == "no-reply@timetrackr.example"
    assert mail["From"] == '"TimeTrackr" <no-reply@timetrackr.example>' or str(mail["From"]) == "TimeTrackr <no-reply@timetrackr.example>"
    assert mail["To"].addresses[0].addr_spec == ann.email and mail["To"].addresses[0].display_name == ann.username
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<notification\.\d+\.\d+@timetrackr\.example>", mail["Message-ID"])
    assert abs(datetime.now(timezone.utc) - mail["Date"].datetime) < timedelta(minutes=1)
    assert mail.message.get_content_type() == "multipart/alternative"
    assert f"Hello {ann.username}," in mail.text and f"Hello {ann.username}," in mail.html
    assert mail.html.startswith("<!DOCTYPE html>") and "&quot;Garden&quot;" in mail.html
    assert not mail.data.strip(b"".join(bytes([c]) for c in range(128)))  # all of it is ASCII


def test_one_click_ends_the_mails(posted, mailbox, ann):
    ann.patch("/users/me", {"email_notifications": "all"}).expect(200)
    notify(posted, ann)
    (mail,) = mails_to(mailbox, ann)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = re.fullmatch(r"<https://api\.timetrackr\.example/v1(/mail/unsubscribe/[\w-]+)>", mail["List-Unsubscribe"].strip()).group(1)
    anyone = posted.front.client()
    anyone.post(path[:-1] + ("0" if path[-1] != "0" else "1")).expect(404, "subscription_not_found")
    anyone.post(path.replace(f"/{ann.id}-", f"/{ann.id + 1}-")).expect(404, "subscription_not_found")
    anyone.post("/mail/unsubscribe/x").expect(404, "subscription_not_found")
    assert ann.get("/users/me").expect(200)["email_notifications"] == "all"
    form = requests.post(posted.front.url + path, data={"List-Unsubscribe": "One-Click"}, timeout=10)
    assert form.status_code == 204
    eventually(lambda: ann.get("/users/me").expect(200)["email_notifications"] == "none")
    anyone.post(path).expect(204)
    ann.patch("/users/me", {"email_also": ["badge_awarded"]}).expect(200)
    anyone.post(path).expect(204)
    eventually(lambda: ann.get("/users/me").expect(200)["email_also"] == [])


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def buttons(page):
    """Of a page's forms where each leads, and what its button says."""
    assert page.status_code == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    return re.findall(r'<form method="post"(?: action="([\w-]+)")?>.*?<button>(.*?)</button>', page.text)


def test_the_address_in_a_mail_is_a_page_that_ends_what_one_chooses(posted, mailbox, ann):
    ann.patch("/users/me", {"email_notifications": "all"}).expect(200)
    notify(posted, ann)
    (mail,) = mails_to(mailbox, ann)
    (path,) = re.findall(r"https://api\.timetrackr\.example/v1(/mail/unsubscribe/\S+)", mail.text)
    assert path.startswith(f"/mail/unsubscribe/{ann.id}-member_removed-") and f'v1{path}">' in mail.html
    url = posted.front.url + path

    def chosen():
        account = posted.query("SELECT email_notifications, email_also, email_never FROM timetrackr.users WHERE id = %s", ann.id)
        return account[0]

    # programs that look at every address of a mail change nothing
    for look in (requests.get, requests.head):
        look(url, headers=BROWSER, timeout=10)
        look(url, timeout=10)
    assert chosen() == ("all", [], [])
    (this, all_) = buttons(requests.get(url, headers=BROWSER, timeout=10))
    assert this[0] == "" and "this kind" in this[1] and "at all" in all_[1]
    # a kind of one's own choice is none of the token's
    for forged in (path.replace("member_removed", "badge_awarded"), path.replace("member_removed-", ""), path[:-1] + "g", path + "-"):
        posted.front.client().post(forged).expect(404, "subscription_not_found")
        posted.front.client().get(forged).expect(404, "subscription_not_found")
    assert chosen() == ("all", [], [])
    after = requests.post(url, headers=BROWSER, timeout=10)
    assert [answer.status_code for answer in after.history] == [303] and after.url == url
    assert chosen() == ("all", [], ["member_removed"])
    assert "are not mailed" in after.text and [words for _, words in buttons(after)] == [all_[1]]
    assert requests.post(url, timeout=10).status_code == 204
    notify(posted, ann, project_id=1, project_name="Quiet")
    notify(posted, ann, "badge_awarded", badge_id=1, name="Loud")
    mails_to(mailbox, ann, 'You have earned the badge "Loud".')
    assert len(mailbox.to(ann.email)) == 2
    after = requests.post(url.rsplit("/", 1)[0] + "/" + all_[0], headers=BROWSER, timeout=10)
    assert after.status_code == 200 and buttons(after) == [] and "No notifications are mailed" in after.text
    assert chosen() == ("none", [], ["member_removed"])
    assert ann.get("/users/me").expect(200)["email_notifications"] == "none"


def test_nothing_a_user_writes_gets_into_a_header_or_tag(posted, mailbox):
    name = 'Zoë "<b>" 💡, eve@example.org; =?UTF-8?Q?x?=ö'
    ann = sign_up(posted.front, "headers", username=name)
    ann.patch("/users/me", {"email_notifications": "all"}).expect(200)
    nasty = "x\r\nBcc: eve@example.org\r\n\r\n<script>\n.\nFrom me\n\n{link} " + "ü" * 150
    notify(posted, ann, project_id=1, project_name=nasty)
    (mail,) = mails_to(mailbox, ann)
    assert mail.recipients == [ann.email] and mail["Bcc"] is None
    # Python's parser adds a blank to what looks like an encoded word and is none
    assert mail["To"].addresses[0].display_name.replace("? Q", "?Q") == name
    words = " ".join(nasty.split())
    assert mail["Subject"] == f'You are no longer a member of the project "{words}".'
    assert f"Hello {name}," in mail.text and words in mail.text
    assert "<script>" not in mail.html and "<b>" not in mail.html
    posted.front.client().post("/auth/signup", {"email": "a@b.example\r\nBcc: x@y.example", "username": "inj", "password": PASSWORD}).expect(422)
    posted.front.client().post("/auth/signup", {"email": "inj@b.example", "username": "a\r\nBcc: x", "password": PASSWORD}).expect(422)


def test_a_mail_is_tried_again_and_not_sent_twice(posted, mailbox, ann):
    ann.patch("/users/me", {"email_notifications": "all"}).expect(200)
    mailbox.replies.update({"RCPT": ["451 later"], "END": ["452 full"]})
    told = notify(posted, ann)

    def row():
        return posted.query("SELECT status, attempts, last_error FROM timetrackr.mails WHERE notification_id = %s", told)

    for attempts in (1, 2):
        eventually(lambda: [(r[0], r[1]) for r in row()] == [("pending", attempts)], what=f"attempt {attempts}")
        assert row()[0][2]
        posted.query("UPDATE timetrackr.mails SET run_at = now() WHERE notification_id = %s", told)
        posted.query("NOTIFY timetrackr_outbound")
    eventually(lambda: row()[0][0] == "sent", what="the third attempt")
    assert len(mailbox.to(ann.email)) == 1
    # the same event once more
    posted.query("INSERT INTO timetrackr.outbox (topic, payload) SELECT topic, payload FROM timetrackr.stream"
                 " WHERE topic = 'notification_created' AND user_id = %s", ann.id)
    posted.query("NOTIFY timetrackr_wake")
    notify(posted, ann, project_id=1, project_name="Next")
    mails_to(mailbox, ann, 'You are no longer a member of the project "Next".')
    assert [r[0] for r in row()] == ["sent"], "a second mail of the same notification"
    assert len(mailbox.to(ann.email)) == 2


def test_what_was_read_is_not_mailed_and_a_day_has_an_end(posted, mailbox, ann):
    ann.patch("/users/me", {"email_notifications": "all"}).expect(200)
    mailbox.replies["MAIL"] = ["451 later"]
    told = notify(posted, ann)
    eventually(lambda: posted.query("SELECT 1 FROM timetrackr.mails WHERE notification_id = %s AND attempts = 1 AND status = 'pending'", told))
    ann.post("/notifications/read").expect(204)
    posted.query("UPDATE timetrackr.mails SET run_at = now() WHERE notification_id = %s", told)
    posted.query("NOTIFY timetrackr_outbound")
    eventually(lambda: posted.value("SELECT status FROM timetrackr.mails WHERE notification_id = %s", told) == "dropped")
    posted.query("INSERT INTO timetrackr.mails (user_id, kind, urgent, status) SELECT %s, 'notification', false, 'sent' FROM generate_series(1, 48)", ann.id)
    for number in range(3):
        notify(posted, ann, project_id=1, project_name=f"P{number}")
    bob = sign_up(posted.front)
    bob.patch("/users/me", {"email_notifications": "all"}).expect(200)
    notify(posted, bob)
    mails_to(mailbox, bob)
    assert len(mailbox.to(ann.email)) == 1


# ---- passwords ----


def test_a_forgotten_password_is_reset(posted, mailbox, ann):
    anyone = posted.front.client()
    old = ann.session["refresh_token"]
    assert forget(anyone, ann.email.upper()).expect(202) is None
    (token,) = tokens(mailbox, ann)
    (mail,) = mailbox.to(ann.email)
    assert token in mail.html and mail["List-Unsubscribe"] is None
    reset(anyone, token, "short").expect(422, "weak_password", "new_password")
    reset(anyone, token, ann.username).expect(422, "weak_password", "new_password")
    reset(anyone, token).expect(204)
    log_in(posted, ann, PASSWORD).expect(401)
    log_in(posted, ann, NEW).expect(200)
    anyone.post("/auth/refresh", {"refresh_token": old}).expect(401)
    mails_to(mailbox, ann, "Your password was changed")
    reset(anyone, token, "yet another horse").expect(422, "reset_token_invalid", "token")
    log_in(posted, ann, NEW).expect(200)


def test_nobody_learns_which_accounts_there_are(posted, mailbox, ann):
    anyone = posted.front.client()
    known, unknown = forget(anyone, ann.email), forget(anyone, "nobody@example.org")
    assert known.status == unknown.status == 202 and known.content == unknown.content == b""
    left = {"X-Request-Id", "Date"}
    assert {name: value for name, value in known.headers.items() if name not in left} == {
        name: value for name, value in unknown.headers.items() if name not in left}
    tokens(mailbox, ann)
    assert mailbox.to("nobody@example.org") == []
    anyone.post("/auth/password/forgot", {}).expect(422, "missing_field", "email")
    anyone.post("/auth/password/forgot", {"email": "x"}).expect(422, "invalid_email", "email")
    anyone.post("/auth/password/forgot", {"email": ann.email, "has_mail": True}).expect(422, "unknown_field")


def test_tokens_that_are_no_good(posted, mailbox, ann):
    anyone = posted.front.client()
    for token in ("", "x", "A" * 43, "\u0000", "ä" * 200):
        assert reset(anyone, token).status in (400, 422)
    reset(anyone, None).expect(422, "missing_field", "token")
    forget(anyone, ann.email).expect(202)
    (first,) = tokens(mailbox, ann)
    forget(anyone, ann.email).expect(202)
    second = tokens(mailbox, ann, 2)[1]
    reset(anyone, first).expect(422, "reset_token_invalid")
    posted.query("UPDATE timetrackr.password_resets SET expires_at = now() WHERE user_id = %s", ann.id)
    reset(anyone, second).expect(422, "reset_token_invalid")
    forget(anyone, ann.email).expect(202)
    third = tokens(mailbox, ann, 3)[2]
    ann.put("/auth/password", {"current_password": PASSWORD, "new_password": "changed meanwhile"}).expect(204)
    reset(anyone, third).expect(422, "reset_token_invalid")
    log_in(posted, ann, "changed meanwhile").expect(200)
    # no fourth one within the hour
    forget(anyone, ann.email).expect(202)
    eventually(lambda: posted.value("SELECT count(*) FROM timetrackr.password_reset_requests") == 0)
    assert len(tokens(mailbox, ann, 3)) == 3


def test_of_two_resets_at_once_one_holds(posted, mailbox, ann):
    forget(ann).expect(202)
    (token,) = tokens(mailbox, ann)
    with ThreadPoolExecutor() as callers:
        calls = [callers.submit(reset, posted.front.client(), token, f"password of caller {n}") for n in range(4)]
        statuses = [call.result().status for call in calls]
    assert sorted(statuses) == [204, 422, 422, 422]
    log_in(posted, ann, f"password of caller {statuses.index(204)}").expect(200)


def test_neither_log_nor_database_has_a_token(posted, mailbox, ann, postgres):
    forget(ann).expect(202)
    (token,) = tokens(mailbox, ann)
    reset(ann, token).expect(204)
    forget(ann).expect(202)
    again = tokens(mailbox, ann, 2)[1]
    dump = postgres.program("pg_dump", "--schema=timetrackr", database=posted.database).stdout
    for secret in (token, again):
        assert secret not in dump
        assert secret not in posted.front.log.read_text() and secret not in postgres.log.read_text()


def test_an_account_without_a_password_is_not_mailed(posted, mailbox):
    eve = sign_up(posted.front)
    posted.query("UPDATE timetrackr.users SET password_hash = NULL WHERE id = %s", eve.id)
    forget(posted.front.client(), eve.email).expect(202)
    eventually(lambda: posted.value("SELECT count(*) FROM timetrackr.password_reset_requests") == 0)
    assert posted.value("SELECT count(*) FROM timetrackr.mails WHERE user_id = %s", eve.id) == 0


def test_without_a_mail_server_nothing_can_be_forgotten(anyone, user):
    anyone.post("/auth/password/forgot", {"email": user.email}).expect(501, "mail_not_configured")
    reset(anyone, "A" * 43).expect(422, "reset_token_invalid")


def test_starttls_is_insisted_on(posted, postgres, tmp_path):
    """A server that does not offer it gets neither mail nor password."""
    plain = Mailbox(extensions=("AUTH PLAIN LOGIN",))
    stage = Stage(postgres, tmp_path)
    try:
        proxy = stage.proxy(redis=False, SMTP_URL=plain.url(login="me:hunter2hunter2@"), MAIL_FROM="a@b.example",
                            PUBLIC_URL="https://api.example", PASSWORD_RESET_URL="https://app.example/r?t={token}&x=1")
        ann = sign_up(proxy)
        forget(ann).expect(202)
        eventually(lambda: stage.query("SELECT 1 FROM timetrackr.mails WHERE attempts > 0 AND last_error IS NOT NULL"), what="a failure")
        assert plain.mails == []
        assert {command.split(" ")[0] for command in plain.commands} <= {"EHLO", "QUIT"}
        assert "hunter2" not in proxy.log.read_text()
    finally:
        stage.end()
        plain.stop()
