/** The strip at the top: the org, search with instant results, the user's menu. */
import { lazy, Suspense, useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Combobox } from "../../ui/Combobox.tsx";
import { Menu } from "../../ui/controls.tsx";
import { formatPhone, personName } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { clickToDial } from "../cti/dial.ts";
import { panel } from "../cti/panel.ts";
import { recentRecords, searchRecords } from "../data/lists.ts";
import { nameOrder, objectOfId, objects, region, session, signOut } from "../data/session.ts";
import { prefetch } from "../data/records.ts";
import { useStore } from "../data/store.ts";
import type { Row } from "../data/types.ts";
import { navigate, pathOf, recordPath, usePlace } from "../router.ts";
import { objectIcon, recentName, rowName } from "../record/names.ts";
import { SetupGear } from "../setup/SetupGear.tsx";
import { helpOpen } from "./HotKeys.tsx";
import { Link } from "./Link.tsx";
import { toast } from "./toasts.ts";

const PersonalSettings = lazy(() => import("../locale/PersonalSettings.tsx"));

export function GlobalHeader(): ReactNode {
  const { t } = useTranslation();
  const [settings, setSettings] = useState(false);
  const { user, org } = session();
  const name = personName(
    { Name: user.name, FirstName: user.first_name, LastName: user.last_name },
    nameOrder(),
  );
  return (
    <header className="console-header">
      <Link className="console-header__org" to={pathOf({ page: "home" })} title={org.label}>
        <span className="console-header__mark" aria-hidden="true">
          {[...org.label][0]}
        </span>
        <span className="slds-truncate">{org.label}</span>
      </Link>
      <GlobalSearch />
      <div className="console-header__user">
        <SetupGear />
        <Menu
          label={t("user.menu", { name })}
          align="right"
          triggerClassName="slds-button console-avatar"
          trigger={
            <span className="slds-avatar slds-avatar_circle slds-avatar_medium">
              <Icon name="standard:user" className="slds-icon-standard-user" />
            </span>
          }
          heading={
            <div className="console-user">
              <strong>{name}</strong>
              <span className="slds-text-color_weak slds-truncate">{user.username}</span>
              <span className="slds-text-color_weak slds-truncate">{window.location.host}</span>
            </div>
          }
          items={[
            {
              key: "settings",
              label: t("settings.menu"),
              icon: "utility:settings",
              onSelect: () => setSettings(true),
            },
            {
              key: "keys",
              label: t("keys.title"),
              icon: "utility:keyboard_dismiss",
              onSelect: () => helpOpen.set(true),
            },
            {
              key: "sign-out",
              label: t("user.signOut"),
              icon: "utility:logout",
              onSelect: () =>
                void signOut().catch(() => toast({ variant: "error", text: t("problem.network") })),
            },
          ]}
        />
        {settings && (
          <Suspense fallback={null}>
            <PersonalSettings onClose={() => setSettings(false)} />
          </Suspense>
        )}
      </div>
    </header>
  );
}

interface Found {
  id: string;
  object: string;
  name: string;
  meta: string;
  /** The number to call, if it has one. */
  number?: string | undefined;
}

const TYPING_MS = 120;
const SHOWN = 7;
/** Before an id: the suggestion that calls the record's number. */
const DIAL = "dial:";
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

function GlobalSearch(): ReactNode {
  const { t } = useTranslation();
  const { route, turn } = usePlace();
  const known = useStore(objects);
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found[]>([]);
  const [recent, setRecent] = useState<Found[]>([]);
  const [searching, setSearching] = useState(false);
  const { clickToDial: dials } = useStore(panel);
  const wanted = text.trim();
  const asks = [...wanted].length >= 2;

  // The field tells what the results page is about, and is empty on other pages.
  const shownText = route.page === "search" ? route.text : "";
  useEffect(() => setText(shownText), [shownText, turn]);

  useEffect(() => {
    if (!asks) {
      setFound([]);
      setSearching(false);
      return;
    }
    const controller = new AbortController();
    setSearching(true);
    const timer = window.setTimeout(() => {
      searchRecords(wanted, [], controller.signal).then(
        (groups) => {
          setFound(
            groups
              .flatMap((group) =>
                group.records.map((row) => ({
                  id: row.Id,
                  object: group.object,
                  name: rowName(row),
                  meta: metaOf(row, known.get(group.object)?.label ?? group.label),
                  number: ["Phone", "MobilePhone"].map((name) => row[name]).find(isText),
                })),
              )
              .slice(0, SHOWN),
          );
          setSearching(false);
        },
        () => {
          if (!controller.signal.aborted) setSearching(false);
        },
      );
    }, TYPING_MS);
    return () => {
      window.clearTimeout(timer);
      controller.abort();
    };
  }, [wanted, asks, known]);

  function loadRecent() {
    recentRecords().then(
      (records) =>
        setRecent(
          records.slice(0, SHOWN).map((each) => ({
            id: each.id,
            object: each.object,
            name: recentName(each),
            meta: known.get(each.object)?.label ?? "",
          })),
        ),
      () => undefined,
    );
  }

  const shown: Found[] = asks ? found : recent;
  return (
    <div className="console-header__search" role="search" data-focus="search">
      <Combobox
        text={text}
        onText={setText}
        onFocus={loadRecent}
        shortcut="/"
        label={t("search.label")}
        placeholder={t("search.placeholder")}
        listLabel={t("search.suggestions")}
        heading={asks ? undefined : t("search.recent")}
        suggestions={[
          ...(asks ? [{ key: "", label: t("search.show", { text: wanted }), icon: "utility:search" }] : []),
          ...shown.flatMap((each) => {
            const icon = objectIcon(each.object);
            const hit = {
              key: each.id,
              label: each.name,
              meta: each.meta,
              icon: icon.name,
              iconClassName: icon.className,
            };
            if (!dials || each.number === undefined) return [hit];
            // An option may hold no button, so that calling is an option of its own.
            const number = formatPhone(each.number, region());
            return [
              hit,
              {
                key: DIAL + each.id,
                label: t("phone.dial", { number }),
                meta: each.name,
                icon: "utility:call",
              },
            ];
          }),
        ]}
        note={
          asks && found.length === 0
            ? searching
              ? t("search.searching")
              : t("search.nothing", { text: wanted })
            : undefined
        }
        onPick={(key) => {
          if (key === "") return navigate({ page: "search", text: wanted });
          const called = shown.find((each) => DIAL + each.id === key);
          if (called?.number !== undefined) return clickToDial(called.number, called);
          const hit = shown.find((each) => each.id === key);
          const object = hit?.object ?? objectOfId(key) ?? "";
          prefetch(object, key);
          setText("");
          navigate(recordPath(object, key));
        }}
        onEnter={() => {
          if (wanted !== "") navigate({ page: "search", text: wanted });
        }}
      />
      <span className="console-header__key" aria-hidden="true">
        /
      </span>
    </div>
  );
}

/** Object, account and the value that tells two people of one name apart. */
function metaOf(row: Row, label: string): string {
  const account = row["AccountId"];
  const parent = typeof account === "object" && account !== null ? rowName(account as Row) : "";
  const own = ["Company", "Phone", "MobilePhone", "Email"].map((name) => row[name]).find(isText);
  return [label, parent, own ?? ""].filter((part) => part !== "").join(" • ");
}
