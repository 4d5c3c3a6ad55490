"""What the Debian packages are made of besides the programs: the service, the
file of settings, the manual page, the container files."""

import re
import subprocess
from pathlib import Path

import pytest
from harness import Proxy

TOP = Path(__file__).parents[2]
UNIT = TOP / "debian" / "timetrackr-proxy.service"


@pytest.fixture
def proxy(postgres, tmp_path):
    return Proxy(tmp_path / "proxy", DATABASE_URL=postgres.proxy_url())


def describe(what, proxy):
    return subprocess.run(
        [TOP / "deploy" / "describe-settings", what, proxy.program], check=True, capture_output=True, text=True
    ).stdout


def names(proxy):
    """Every setting, as --help lists them."""
    status, output = proxy.run_to_end("--help")
    assert status == 0
    found = re.findall(r"^  ([A-Z_]+) ", output, re.M)
    assert len(found) > 25 and "WORKERS" in found
    return found


def test_the_file_of_settings_has_them_all_with_their_defaults(proxy):
    text = describe("env", proxy)
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.M))
    assert sorted(shown) == sorted(names(proxy))
    assert shown["PORT"] == "3000" and shown["REDIS_URL"] == "" and shown["JWT_SECRET"] == ""
    assert not re.search(r"^[^#\n]", text, re.M), "only comments"


def test_the_defaults_of_the_file_are_good_settings(proxy):
    for name, value in re.findall(r"^#([A-Z_]+)=(.*)$", describe("env", proxy), re.M):
        if name not in ("DATABASE_URL", "JWT_SECRET", "HOST", "PORT"):
            proxy.settings[name] = value
    assert proxy.run_to_end("--check") == (0, "ok\n")


def test_make_up_hands_every_setting_on(proxy):
    """But for those that lead to its own servers."""
    script = '. deploy/settings.sh; printf "%s\\n" "${PROXY_SETTINGS[@]}"'
    handed = subprocess.run(["bash", "-c", script], cwd=TOP, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(handed) == sorted(set(names(proxy)) - {"DATABASE_URL", "REDIS_URL"})


def test_the_manual_page_has_every_setting(proxy):
    page = describe("man", proxy)
    assert re.findall(r"^\.It Ev ([A-Z_]+)", page, re.M) == names(proxy)
    assert "@SETTINGS@" not in page and ".It Ev PORT Pq default 3000\n" in page


@pytest.fixture
def unit(proxy, tmp_path):
    """The service, with the program that is tested."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/sbin/timetrackr-proxy", proxy.program))
    return copy


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_systemd_understands_the_service(unit):
    verified = analyze("verify", "--man=no", unit)
    assert verified.returncode == 0 and unit.name not in verified.stdout, verified.stdout


def test_the_service_is_confined(unit):
    """Up to 2.0 of 10 points of exposure."""
    rated = analyze("security", "--no-pager", "--offline=yes", "--threshold=20", unit)
    assert rated.returncode == 0 and "Overall exposure level" in rated.stdout, rated.stdout[-500:]


def test_the_service_gives_time_to_drain_and_room_for_all_sockets():
    settings = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"^[A-Z]\w+=", line))
    drain = int(re.search(r"#define DRAIN_LIMIT (\d+)", (TOP / "proxy/worker.c").read_text()).group(1))
    workers = int(re.search(r"#define WORKERS_MAX (\d+)", (TOP / "proxy/config_values.h").read_text()).group(1))
    assert int(settings["TimeoutStopSec"]) * 1000 > drain
    assert int(settings["FileDescriptorStoreMax"]) == workers
    assert settings["Type"] == "notify"


def test_the_packages_have_the_version_of_the_extension():
    version = re.search(r"default_version = '(.*)'", (TOP / "timetrackr.control").read_text()).group(1)
    packaged = re.match(r"timetrackr \((.*?)\)", (TOP / "debian/changelog").read_text()).group(1)
    assert re.split(r"[~+-]", packaged)[0] == version
