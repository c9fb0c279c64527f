"""Accounts, passwords, sessions and links, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, update

from app.db.base import now
from app.db.models import Account, Invitation, LoginSession
from app.db.queries import accounts as account_queries
from app.domain.callers import Caller
from app.domain.labels import AnnotatorKind
from app.domain.people import Role
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.services import accounts, annotation, invitations, passwords, sessions
from app.services.annotation import SIMULATED
from app.services.sessions import Callers
from app.services.throttle import Throttle, network
from tests.world import World

GOOD = "four blue paper boats"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()


@pytest.fixture
def add(world):
    """Make an account; gives back its id."""

    def make(name="Ada", role=Role.ANNOTATOR, **more):
        with world.writing() as uow:
            return accounts.add(uow, name, role, **({"password": GOOD} | more)).id

    return make


def log_in(world, name, password=GOOD):
    proof = accounts.prove(world.database, name, password)
    if proof is None:
        return None
    with world.writing() as uow:
        found = accounts.log_in(uow, proof)
        return found.id if found else None


def accept(world, secret, name="Cy", password=GOOD):
    """Follow a link, as the page behind it does."""
    hashed = passwords.chosen(password, name)
    with world.writing() as uow:
        return invitations.accept(uow, secret, name=name, password=hashed).id


def begin(world, account_id):
    with world.writing() as uow:
        return sessions.begin(uow, account_id)


def test_first_admin__is_made_once_and_must_change_the_password(world):
    with world.writing() as uow:
        password = accounts.first_admin(uow)
    with world.writing() as uow:
        assert accounts.first_admin(uow) is None
    account_id = log_in(world, "admin", password)
    with world.reading() as uow:
        account, name = account_queries.one(uow.session, account_id)
    assert (name, account.role, account.must_change_password) == ("admin", Role.ADMIN, True)
    assert password is not None
    assert password not in (account.password_hash or "")


def test_first_admin__takes_over_who_labelled_under_that_name(world):
    earlier = world.annotator("admin")
    with world.writing() as uow:
        accounts.first_admin(uow)
        assert accounts.account_named(uow, "admin").annotator_id == earlier


def test_one_time_passwords__are_never_the_same():
    made = {passwords.one_time() for _ in range(100)}
    assert len(made) == 100
    assert {len(one) for one in made} == {19}


def test_log_in__takes_the_right_password_only(world, add):
    ada = add()
    assert log_in(world, " Ada ") == ada
    for name, password in [("Ada", GOOD + "x"), ("Ada", ""), ("Bo", GOOD), ("", ""), ("Ada", "x" * 10_000)]:
        assert log_in(world, name, password) is None


def test_log_in__does_the_same_work_for_a_name_that_is_not_there(world, add, monkeypatch):
    add()
    compared = []

    class Counting(PasswordHasher):
        def verify(self, kept, password):
            compared.append(password)
            return super().verify(kept, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=8, parallelism=1))
    for name in ("Ada", "nobody"):
        assert log_in(world, name, "wrong wrong wrong") is None
    assert len(compared) == 2


def test_log_in__hashes_anew_when_the_parameters_have_changed(world, add, monkeypatch):
    ada = add()
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert log_in(world, "Ada") == ada
    with world.reading() as uow:
        account, _ = account_queries.one(uow.session, ada)
    assert "m=16,t=2" in (account.password_hash or "")
    assert log_in(world, "Ada") == ada


def test_passwords__are_compared_and_hashed_while_no_transaction_is_open(world, add, monkeypatch):
    """Whoever is not even known could else hold the only writer of SQLite up."""
    ada = add()
    with world.writing() as uow:
        secret = invitations.invite(uow, Role.ANNOTATOR)
    at_work = []

    class Watching(PasswordHasher):
        def verify(self, kept, password):
            at_work.append(world.database.engine.pool.checkedout())
            return super().verify(kept, password)

        def hash(self, password, **more):
            at_work.append(world.database.engine.pool.checkedout())
            return super().hash(password, **more)

    monkeypatch.setattr(passwords, "_hasher", Watching(time_cost=2, memory_cost=8, parallelism=1))
    assert log_in(world, "Ada") == ada  # with a new hash
    assert log_in(world, "nobody") is None
    proof = accounts.prove_change(world.database, ada, GOOD, "another good one")
    with world.writing() as uow:
        accounts.change_password(uow, proof)
    accept(world, secret)
    assert len(at_work) >= 6
    assert not any(at_work)


def test_proof__is_worth_nothing_once_the_password_was_changed_or_the_account_deactivated(world, add):
    ada = add()
    early, change = (
        accounts.prove(world.database, "Ada", GOOD),
        accounts.prove_change(world.database, ada, GOOD, "a late new one"),
    )
    assert early is not None
    with world.writing() as uow:
        accounts.change_password(uow, accounts.prove_change(world.database, ada, GOOD, "another good one"))
    with world.writing() as uow:
        assert accounts.log_in(uow, early) is None
    with pytest.raises(Refused, match="a moment ago"), world.writing() as uow:
        accounts.change_password(uow, change)
    late = accounts.prove(world.database, "Ada", "another good one")
    assert late is not None
    with world.writing() as uow:
        accounts.deactivate(uow, ada)
    with world.writing() as uow:
        assert accounts.log_in(uow, late) is None


def test_admins__two_who_take_each_others_role_away_at_once_leave_one(world, add):
    first, second = add("Ada", Role.ADMIN), add("Bo", Role.ADMIN)
    said = []

    def demote(account_id):
        try:
            with world.writing() as uow:
                accounts.set_role(uow, account_id, Role.LEAD)
        except Refused as refusal:
            said.append(str(refusal))

    with world.database.writing() as uow:
        accounts.set_role(uow, first, Role.LEAD)
        other = threading.Thread(target=demote, args=(second,))
        other.start()
        other.join(0.3)
        assert other.is_alive()
        uow.commit()
    other.join(20)
    assert said == ["This is the only admin: make somebody else one first."]
    with world.reading() as uow:
        assert account_queries.one(uow.session, second)[0].role is Role.ADMIN


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "aaaaaaaaaaaaaaa", "Ada Lovelace"])
def test_add__refuses_a_password_that_is_easily_guessed(add, password):
    with pytest.raises(Refused):
        add("Ada Lovelace", password=password)


def test_add__refuses_a_name_that_answers_carry_already(world, add):
    world.annotator("Bo")
    with world.writing() as uow:
        annotation.annotator(uow, SIMULATED, AnnotatorKind.SIMULATED)
    add("Ada")
    for name in ("Ada", "Bo", SIMULATED):
        with pytest.raises(Conflict):
            add(name)
    for name in ("", "  ", "x" * 101, "a\nb\0"):
        with pytest.raises(Refused):
            add(name)
    with pytest.raises(Conflict):
        add(SIMULATED, may_exist=True)
    assert add("Bo", may_exist=True)


def test_the_only_admin__can_neither_be_demoted_nor_deactivated(world, add):
    boss = add("Boss", Role.ADMIN)
    for change in (lambda uow: accounts.set_role(uow, boss, Role.LEAD), lambda uow: accounts.deactivate(uow, boss)):
        with pytest.raises(Refused, match="only admin"), world.writing() as uow:
            change(uow)
    add("Other", Role.ADMIN)
    with world.writing() as uow:
        accounts.set_role(uow, boss, Role.LEAD)


def test_callers__know_who_is_behind_a_cookie(world, add):
    world.make_project()
    ada = add(project_ids=[world.project_id])
    secret = begin(world, ada).secret
    caller = Callers(world.database).of(secret)
    assert caller is not None
    assert (caller.name, caller.role, caller.account_id) == ("Ada", Role.ANNOTATOR, ada)
    assert caller.project_ids == frozenset({world.project_id})
    assert caller.csrf
    for wrong in ("", secret[:-1], secret.upper(), sessions.digest(secret)):
        assert Callers(world.database).of(wrong) is None


def test_callers__admins_see_every_project(world, add):
    boss = add("Boss", Role.ADMIN)
    caller = Callers(world.database).of(begin(world, boss).secret)
    assert caller is not None
    assert caller.sees(12345)


@pytest.mark.parametrize(
    "values",
    [
        {"expires_at": now() - timedelta(seconds=1)},
        {"seen_at": now() - sessions.IDLE - timedelta(seconds=1)},
    ],
)
def test_callers__a_session_that_ran_out_is_nobodys(world, add, values):
    secret = begin(world, add()).secret
    with world.writing() as uow:
        uow.session.execute(update(LoginSession).values(values))
    assert Callers(world.database).of(secret) is None


def test_callers__a_session_in_use_does_not_run_out(world, add):
    begun = begin(world, add())
    with world.writing() as uow:
        uow.session.execute(update(LoginSession).values(seen_at=now() - timedelta(hours=1)))
    assert Callers(world.database).of(begun.secret)
    with world.reading() as uow:
        assert now() - uow.session.get(LoginSession, begun.session_id).seen_at < timedelta(minutes=1)


def test_callers__do_not_remember_what_was_found_before_they_forgot(world, add, monkeypatch):
    ada = add()
    secret = begin(world, ada).secret
    callers = Callers(world.database)
    look_up = callers._look_up

    def slowly(kept):
        found = look_up(kept)
        with world.writing() as uow:
            accounts.deactivate(uow, ada)
        callers.forget()
        return found

    monkeypatch.setattr(callers, "_look_up", slowly)
    callers.of(secret)
    monkeypatch.setattr(callers, "_look_up", look_up)
    assert callers.of(secret) is None


def test_callers__forget_at_once_what_this_process_changed(world, add):
    ada = add()
    secret = begin(world, ada).secret
    callers = Callers(world.database)
    assert callers.of(secret)
    with world.writing() as uow:
        accounts.deactivate(uow, ada)
    callers.forget()
    assert callers.of(secret) is None
    assert log_in(world, "Ada") is None
    with world.writing() as uow:
        accounts.activate(uow, ada)
    assert log_in(world, "Ada") == ada


def test_begin__removes_sessions_that_ran_out(world, add):
    ada = add()
    begin(world, ada)
    with world.writing() as uow:
        uow.session.execute(update(LoginSession).values(expires_at=now() - timedelta(days=1)))
    begin(world, ada)
    with world.reading() as uow:
        assert uow.session.query(LoginSession).count() == 1


def test_change_password__ends_every_session_and_needs_the_present_one(world, add):
    ada = add()
    secret = begin(world, ada).secret
    for old, new in [("wrong", "another good one"), (GOOD, GOOD), (GOOD, "short")]:
        with pytest.raises(Refused):
            accounts.prove_change(world.database, ada, old, new)
    assert Callers(world.database).of(secret)
    proof = accounts.prove_change(world.database, ada, GOOD, "another good one")
    with world.writing() as uow:
        accounts.change_password(uow, proof)
    assert Callers(world.database).of(secret) is None
    assert log_in(world, "Ada", "another good one") == ada
    assert log_in(world, "Ada") is None


def test_invitation__makes_one_account_with_its_role_and_projects(world):
    world.make_project()
    with world.writing() as uow:
        secret = invitations.invite(uow, Role.LEAD, [world.project_id])
    with world.reading() as uow:
        assert invitations.named(uow, secret)[1] is None
    account_id = accept(world, secret)
    with world.reading() as uow:
        account, name = account_queries.one(uow.session, account_id)
        assert (name, account.role, account.must_change_password) == ("Cy", Role.LEAD, False)
        assert account_queries.project_ids(uow.session, account_id) == {world.project_id}
    with pytest.raises(NotFound, match="used already"):
        accept(world, secret, name="Di")


def test_invitation__stays_open_when_what_was_typed_is_refused(world, add):
    add("Ada")
    with world.writing() as uow:
        secret = invitations.invite(uow, Role.ANNOTATOR)
    for name, password in [("Ada", GOOD), ("Cy", "short")]:
        with pytest.raises((Conflict, Refused)):
            accept(world, secret, name=name, password=password)
    assert accept(world, secret)


def test_invitation__that_ran_out_or_was_withdrawn_opens_nothing(world):
    with world.writing() as uow:
        late, gone = invitations.invite(uow, Role.ADMIN), invitations.invite(uow, Role.ADMIN)
        row, _ = invitations.named(uow, gone)
        invitations.withdraw(uow, row.id)
        uow.session.execute(update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
    for secret in (late, gone, "", "made-up"):
        with pytest.raises(NotFound):
            accept(world, secret)


def test_invitation__to_a_project_that_is_not_there_is_refused(world):
    with pytest.raises(NotFound), world.writing() as uow:
        invitations.invite(uow, Role.ANNOTATOR, [99])


def test_new_password_link__sets_it_once_and_ends_every_session(world, add):
    ada = add()
    session = begin(world, ada).secret
    with world.writing() as uow:
        secret = invitations.new_password(uow, ada)
    assert log_in(world, "Ada") == ada
    with world.writing() as uow:
        assert invitations.named(uow, secret)[1] == "Ada"
    assert accept(world, secret, name="ignored", password="another good one") == ada
    assert Callers(world.database).of(session) is None
    assert log_in(world, "Ada") is None
    assert log_in(world, "Ada", "another good one") == ada
    with pytest.raises(NotFound):
        accept(world, secret)


@pytest.mark.parametrize("how", ["another link", "another password", "deactivation"])
def test_new_password_link__ends_when_there_is_a_newer_link_or_password_or_no_account_any_more(world, add, how):
    ada = add()
    with world.writing() as uow:
        old = invitations.new_password(uow, ada)
        assert [one.account_id for one in account_queries.open_invitations(uow.session)] == [ada]
    if how == "another link":
        with world.writing() as uow:
            invitations.new_password(uow, ada)
    elif how == "another password":
        with world.writing() as uow:
            accounts.set_password(uow, accounts.account_named(uow, "Ada"), passwords.chosen("another good one", "Ada"))
    else:
        add("Root", role=Role.ADMIN)
        with world.writing() as uow:
            accounts.deactivate(uow, ada)
    with pytest.raises(NotFound):
        accept(world, old, password="a stranger's choice")


def test_session__holds_while_nothing_can_be_written(sqlite_url, tmp_path, caplog):
    world = World(sqlite_url, tmp_path)
    with world.writing() as uow:
        ada = accounts.add(uow, "Ada", Role.ANNOTATOR, password=GOOD).id
    session = begin(world, ada).secret
    with world.writing() as uow:
        uow.session.execute(update(LoginSession).values(seen_at=now() - timedelta(hours=1)))
    event.listen(world.database.engine, "begin", lambda one: one.exec_driver_sql("PRAGMA query_only=ON"))
    assert Callers(world.database).of(session) is not None
    assert "could not be noted" in caplog.text
    world.close()


def test_share__lets_an_account_see_a_project_until_it_is_taken_back(world, add):
    world.make_project()
    ada = add()
    for _ in range(2):
        with world.writing() as uow:
            accounts.share(uow, world.project_id, ada)
    with world.reading() as uow:
        assert account_queries.project_ids(uow.session, ada) == {world.project_id}
    for _ in range(2):
        with world.writing() as uow:
            accounts.unshare(uow, world.project_id, ada)
    with world.reading() as uow:
        assert account_queries.project_ids(uow.session, ada) == frozenset()


def test_account__can_never_be_without_a_way_to_sign_in(world, add):
    ada = add()
    with pytest.raises(Exception, match="can_sign_in"), world.writing() as uow:
        uow.session.execute(update(Account).where(Account.id == ada).values(password_hash=None))


def test_caller__may_what_the_roles_below_may():
    annotator, lead, admin = (Caller(role=role) for role in Role)
    assert [one.may(Role.LEAD) for one in (annotator, lead, admin)] == [False, True, True]
    with pytest.raises(Forbidden, match="Only an admin"):
        lead.require(Role.ADMIN)
    with pytest.raises(Forbidden):
        Caller(role=Role.ADMIN, annotator_id=3).require_self(4)
    with pytest.raises(NotFound):
        Caller(role=Role.LEAD, project_ids=frozenset({1})).require_project(2)


def test_throttle__lets_so_many_through_and_then_says_how_long_to_wait():
    clock = [0.0]
    throttle = Throttle(tries=3, seconds=60, clock=lambda: clock[0])
    assert [throttle.wait("ada") for _ in range(4)] == [0, 0, 0, 60]
    assert throttle.wait("bo") == 0
    clock[0] = 30
    assert throttle.wait("ada") == 30
    clock[0] = 60.5
    assert throttle.wait("ada") == 0
    for _ in range(3):
        throttle.wait("ada")
    throttle.forgive("ada")
    assert throttle.wait("ada") == 0


def test_network__counts_a_home_of_ipv6_as_one_place():
    assert network("2001:db8::1") == network("2001:db8::2") != network("2001:db8:0:1::1")
    assert network("10.0.0.1") != network("10.0.0.2")
    assert network("testclient") == "testclient"
