/** The portal's frame: header with account and user, navigation at the side, the page. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { may, type PortalSession, type Right } from "../data/session.ts";
import { Menu } from "../ui/controls.tsx";
import { Symbol } from "../ui/Icon.tsx";
import { Brand } from "./pages/SignIn.tsx";
import { Link, navigate } from "./router.tsx";

interface Entry {
  path: string;
  word: string;
  icon: string;
  right: Right;
}

/** The side's groups, named as the set-up guide names them. */
const GROUPS: { word: string; entries: Entry[] }[] = [
  {
    word: "nav.group",
    entries: [
      { path: "/portal/home", word: "nav.home", icon: "utility:home", right: "home" },
      { path: "/portal/live", word: "nav.live", icon: "utility:people", right: "live" },
      {
        path: "/portal/engagements",
        word: "nav.engagements",
        icon: "utility:list",
        right: "own_engagements",
      },
      { path: "/portal/users", word: "nav.users", icon: "utility:user", right: "users" },
      { path: "/portal/account", word: "nav.account", icon: "utility:company", right: "account" },
      { path: "/portal/statuses", word: "nav.statuses", icon: "utility:away", right: "statuses" },
    ],
  },
  {
    word: "nav.integrations",
    entries: [
      { path: "/portal/connections", word: "nav.applications", icon: "utility:apps", right: "connections" },
      { path: "/portal/added-apps", word: "nav.added_apps", icon: "utility:add", right: "apps" },
      {
        path: "/portal/developer-apps",
        word: "nav.developer_apps",
        icon: "utility:package",
        right: "apps",
      },
    ],
  },
];

export function Shell({
  session,
  path,
  onSignOut,
  onSignOutEverywhere,
  children,
}: {
  session: PortalSession;
  path: string;
  onSignOut: () => void;
  onSignOutEverywhere: () => void;
  children: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="ad">
      <a className="slds-assistive-text slds-assistive-text_focus" href="#content">
        {t("skip")}
      </a>
      <header className="ad-header">
        <Brand />
        <span className="ad-header__account">{session.account.name}</span>
        <Menu
          label={t("user.menu", { name: session.user.name })}
          selfNamed
          triggerClassName="ad-header__user"
          align="right"
          trigger={
            <>
              <Symbol name="utility:user" className="ad-header__icon" />
              <span className="ad-header__name">{session.user.name}</span>
              <Symbol name="utility:down" className="ad-header__arrow" />
            </>
          }
          heading={
            <div className="ad-user">
              <div className="ad-user__name">{session.user.name}</div>
              <div className="ad-weak">{session.user.email}</div>
              <div className="ad-weak">{t("user.time_zone", { zone: session.account.time_zone })}</div>
              <div className="ad-weak">
                {session.user.roles.map((role) => t(`role.${role}`)).join(t("comma"))}
              </div>
            </div>
          }
          items={[
            {
              key: "security",
              label: t("user.security"),
              icon: "utility:lock",
              onSelect: () => navigate("/portal/security"),
            },
            {
              key: "roles",
              label: t("users.roles.help"),
              icon: "utility:help",
              onSelect: () => navigate("/portal/help/roles"),
            },
            { key: "out", label: t("user.sign_out"), icon: "utility:logout", onSelect: onSignOut },
            {
              key: "everywhere",
              label: t("user.sign_out_everywhere"),
              icon: "utility:world",
              onSelect: onSignOutEverywhere,
            },
          ]}
        />
      </header>
      <nav className="ad-nav" aria-label={t("nav.label")}>
        {GROUPS.map(({ word, entries }) => {
          const own = entries.filter((entry) => may(session, entry.right));
          return (
            own.length > 0 && (
              <div key={word} className="ad-nav__part">
                <h2 className="ad-nav__group">{t(word)}</h2>
                <ul>
                  {own.map((entry) => {
                    const current = path === entry.path || path.startsWith(`${entry.path}/`);
                    return (
                      <li key={entry.path}>
                        <Link
                          to={entry.path}
                          className="ad-nav__item"
                          aria-current={current ? "page" : undefined}
                        >
                          <Symbol name={entry.icon} className="ad-nav__icon" />
                          {t(entry.word)}
                        </Link>
                      </li>
                    );
                  })}
                </ul>
              </div>
            )
          );
        })}
      </nav>
      <main className="ad-main" id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

export function PageHead({
  title,
  explain,
  children,
}: {
  title: ReactNode;
  explain?: string;
  children?: ReactNode;
}): ReactNode {
  return (
    <div className="ad-head">
      <div className="ad-head__words">
        <h1 className="ad-head__title">{title}</h1>
        {explain && <p className="ad-weak">{explain}</p>}
      </div>
      {children}
    </div>
  );
}
