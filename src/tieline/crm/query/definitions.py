"""Objects whose records are made from metadata: `View`, and `AppDefinition`, which every door of queries knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..fields import id_field, read_only, ref
from ..metadata import Catalogue, Field, FieldType, ObjectType

Column = tuple[str, FieldType, str]
"""A field's name, its type, and what it is in SQL."""


@dataclass(frozen=True)
class View(ObjectType):
    """An object whose records are the rows of a statement."""

    statement: str = ""

    @property
    def table(self) -> str:
        """The statement, where a table's name would stand."""
        return f"({self.statement})"


def _field(column: Column) -> Field:
    name, kind, _ = column
    if kind == "reference":
        return ref(name, "User", name, name, createable=False, updateable=False, on_delete="keep")
    length = {"string": 255, "textarea": 1_000_000}.get(kind, 0)
    return read_only(
        name, kind, name, name, length, filterable=kind != "textarea", multiline=kind == "textarea"
    )


def view(name: str, prefix: str, columns: Sequence[Column], source: str, named: str, id_sql: str) -> View:
    """An object of these columns over the rows of `source`; `named` is the field that names a record."""
    items = [id_field(), *(_field(column) for column in columns)]
    items = [replace(item, name_field=True) if item.name == named else item for item in items]
    selected = ", ".join(
        [f'{id_sql} AS "Id"', 'false AS "IsDeleted"', *(f'{sql} AS "{column}"' for column, _, sql in columns)]
    )
    return View(
        name=name,
        label=name,
        label_plural=name,
        key_prefix=prefix,
        setup=True,
        createable=False,
        updateable=False,
        deletable=False,
        fields={item.name: item for item in items},
        statement=f"SELECT {selected} FROM {source}",  # noqa: S608 - constants of the callers
    )


UTILITY_BAR = "a.name || '_UtilityBar'"
"""The name of an app's utility bar as a FlexiPage. The org keeps the items with the app, however it was made."""
HAS_UTILITIES = "jsonb_array_length(a.definition->'utility_items') > 0"
_FALSE = (
    "IsNavAutoTempTabsDisabled",
    "IsNavPersonalizationDisabled",
    "IsNavTabPersistenceDisabled",
    "IsOmniPinnedViewEnabled",
    "IsOverrideOrgTheme",
    "IsSmallFormFactorSupported",
    "IsMediumFormFactorSupported",
)
_APP: Sequence[Column] = (
    ("DurableId", "string", "a.id"),
    ("DeveloperName", "string", "a.name"),
    ("Label", "string", "a.definition->>'label'"),
    ("MasterLabel", "string", "a.definition->>'label'"),
    (
        "NamespacePrefix",
        "string",
        "CASE WHEN (a.definition->>'standard')::boolean THEN 'standard'"
        " ELSE substring(a.name from '^([A-Za-z][A-Za-z0-9]{0,14})__') END",
    ),
    ("Description", "string", "nullif(a.definition->>'description', '')"),
    ("UiType", "string", "'Lightning'"),
    ("NavType", "string", "a.definition->>'nav_type'"),
    ("UtilityBar", "string", f"CASE WHEN {HAS_UTILITIES} THEN {UTILITY_BAR} END"),
    ("HeaderColor", "string", "NULL::text"),
    ("LogoUrl", "string", "NULL::text"),
    ("IsLargeFormFactorSupported", "boolean", "true"),
    *((name, "boolean", "false") for name in _FALSE),
)
APP_DEFINITION = view("AppDefinition", "06m", _APP, "meta.custom_app a", "DeveloperName", "a.id")
"""The apps that the user may open: every user may open every app of this org."""


def with_definitions(catalogue: Catalogue, source: str) -> Catalogue:
    """The catalogue for a query from `source`: with `AppDefinition` where it is that."""
    if source.lower() != APP_DEFINITION.name.lower() or APP_DEFINITION.name in catalogue.objects:
        return catalogue
    return Catalogue(
        catalogue.version, {**catalogue.objects, APP_DEFINITION.name: APP_DEFINITION}, catalogue.complete
    )
