"""Who asks for something, and how far they may see: what every way into the server works out first."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.people import Role
from app.errors import Forbidden, NotFound


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One person at a browser.

    Attributes:
        role: what they may do.
        annotator_id: in whose name alone they may answer; None, without accounts, for anybody's.
        project_ids: the projects that they see; None for all.
        name: the annotator's name; None without accounts.
        account_id: the account that signed in; None without accounts.
        session_id: the session of their browser; None without accounts.
        csrf: what every change must carry; empty without accounts.
        must_change_password: they may do nothing else before that.
    """

    role: Role
    annotator_id: int | None = None
    project_ids: frozenset[int] | None = None
    name: str | None = None
    account_id: int | None = None
    session_id: int | None = None
    csrf: str = ""
    must_change_password: bool = False

    def may(self, needed: Role) -> bool:
        """Whether they may do what this role may."""
        return self.role.covers(needed)

    def require(self, needed: Role) -> None:
        """Refuse whoever may do less than this role.

        Raises:
            Forbidden: their role is a lower one.
        """
        if not self.may(needed):
            raise Forbidden(f"Only {needed.article} {needed} may do this.")

    def sees(self, project_id: int) -> bool:
        """Whether a project is shared with them."""
        return self.project_ids is None or project_id in self.project_ids

    def require_project(self, project_id: int) -> None:
        """Keep a project from whoever it is not shared with, as if there were none.

        Raises:
            NotFound: it is not shared with them.
        """
        if not self.sees(project_id):
            raise NotFound(f"There is no project {project_id}.")

    def require_self(self, annotator_id: int) -> None:
        """Keep people from answering in each other's names.

        Raises:
            Forbidden: these are somebody else's answers.
        """
        if self.annotator_id is not None and annotator_id != self.annotator_id:
            raise Forbidden("These answers are somebody else's: sign in as the person who gave them.")


ANYBODY = Caller(role=Role.ADMIN)
"""Whoever is at this machine, where there are no accounts."""
