"""Which pages there are, and who gets them."""

from __future__ import annotations

from app.domain.people import Role

PAGES = {
    "Work": [
        ("overview", "Overview", ":material/dashboard:", Role.ANNOTATOR),
        ("label", "Label", ":material/keyboard:", Role.ANNOTATOR),
        ("grid", "Grid", ":material/apps:", Role.ANNOTATOR),
        ("review", "Review", ":material/rule:", Role.ANNOTATOR),
        ("audit", "Audit", ":material/verified:", Role.ANNOTATOR),
        ("second_look", "Second look", ":material/history:", Role.ANNOTATOR),
        ("team", "Team", ":material/groups:", Role.ANNOTATOR),
    ],
    "Learn": [
        ("rounds", "Rounds", ":material/autorenew:", Role.LEAD),
        ("accuracy", "Accuracy", ":material/show_chart:", Role.ANNOTATOR),
        ("quality", "Quality", ":material/grid_on:", Role.ANNOTATOR),
    ],
    "Data": [
        ("images", "Images", ":material/photo_library:", Role.ANNOTATOR),
        ("import", "Import", ":material/upload:", Role.LEAD),
        ("export", "Export", ":material/download:", Role.LEAD),
    ],
    "Project": [
        ("settings", "Settings", ":material/tune:", Role.LEAD),
        ("projects", "Projects", ":material/folder_open:", Role.ANNOTATOR),
        ("people", "People", ":material/group:", Role.ADMIN),
    ],
}
"""Section → pages: (name of the file without `_page.py`, which is also its URL; title; icon; the role it needs).

A page that a role does not get is not there for it, by whatever link: Streamlit runs only pages of the navigation.
"""

TITLES_FOR_ANNOTATORS = {"team": "My work"}
"""Pages that show annotators themselves, and are called so for them."""

ROLES = {name: role for pages in PAGES.values() for name, _, _, role in pages}
"""Page → the role it needs."""


def offered(role: Role, *, has_accounts: bool) -> dict[str, list[tuple[str, str, str]]]:
    """Section → pages that a role gets: name, title, icon. Without accounts there are no people to manage."""
    titles = {} if role.covers(Role.LEAD) else TITLES_FOR_ANNOTATORS
    return {
        section: [
            (name, titles.get(name, title), icon)
            for name, title, icon, needed in pages
            if role.covers(needed) and (has_accounts or name != "people")
        ]
        for section, pages in PAGES.items()
    }
