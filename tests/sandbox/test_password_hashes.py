"""A password may be given as its salted SHA-256 hash: who knows the password signs in, and the statement tells nobody what it is."""

from __future__ import annotations

import pytest

from autopilot.domain.inside.passwords import hashed
from tests.sandbox.warehouse import Warehouse, error_of

PASSWORD = "Open5esame-please"


def signs_in(warehouse: Warehouse, user: str, password: str) -> bool:
    return warehouse.databases.check_password(warehouse.key, user, password)


def test_user_of_a_hash_signs_in_with_the_password_and_with_nothing_else(warehouse: Warehouse) -> None:
    form = hashed(PASSWORD, "any", "salt")
    warehouse.run(f"CREATE USER alice PASSWORD '{form}'")
    assert signs_in(warehouse, "alice", PASSWORD)
    assert not signs_in(warehouse, "alice", PASSWORD + "x")
    assert not signs_in(warehouse, "alice", form)
    warehouse.run(f"ALTER USER alice PASSWORD '{hashed('Another5word', 'salt')}'")
    assert signs_in(warehouse, "alice", "Another5word")
    assert not signs_in(warehouse, "alice", PASSWORD)


def test_hash_goes_with_its_warehouse_into_a_copy(warehouse: Warehouse) -> None:
    warehouse.run(f"CREATE USER alice PASSWORD '{hashed(PASSWORD, 'salt')}'")
    warehouse.databases.copy(warehouse.key, "cluster:copied")
    try:
        assert warehouse.databases.check_password("cluster:copied", "alice", PASSWORD)
    finally:
        warehouse.databases.drop("cluster:copied")


@pytest.mark.parametrize("form", ["sha256|00|00", "sha256|" + "z" * 64 + "|00", "sha256|" + "0" * 64 + "|0"])
def test_what_is_no_hash_is_refused(warehouse: Warehouse, form: str) -> None:
    assert "invalid password hash" in error_of(lambda: warehouse.run(f"CREATE USER alice PASSWORD '{form}'"))


def test_other_hashes_are_refused_by_name(warehouse: Warehouse) -> None:
    assert "MD5" in error_of(lambda: warehouse.run("CREATE USER alice PASSWORD 'md5" + "0" * 32 + "'"))
