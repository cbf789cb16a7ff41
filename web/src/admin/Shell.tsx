/** The portal's frame: header with account and user, navigation at the side, the page. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { PortalSession } from "../data/session.ts";
import { Menu } from "../ui/controls.tsx";
import { Symbol } from "../ui/Icon.tsx";
import { Brand } from "./pages/SignIn.tsx";
import { Link } from "./router.tsx";

const PAGES = [
  { path: "/portal/live", word: "nav.live", icon: "utility:people", managers: true },
  { path: "/portal/engagements", word: "nav.engagements", icon: "utility:list", managers: false },
];

/** Who may see everybody's engagements and presence; agents see their own engagements. */
export const isManager = (session: PortalSession): boolean =>
  session.user.roles.some((role) => role === "administrator" || role === "supervisor");

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
              <div className="ad-weak">
                {session.user.roles.map((role) => t(`role.${role}`)).join(t("comma"))}
              </div>
            </div>
          }
          items={[
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
        <h2 className="ad-nav__group">{t("nav.group")}</h2>
        <ul>
          {PAGES.filter((page) => !page.managers || isManager(session)).map((page) => {
            const current = path === page.path || path.startsWith(`${page.path}/`);
            return (
              <li key={page.path}>
                <Link to={page.path} className="ad-nav__item" aria-current={current ? "page" : undefined}>
                  <Symbol name={page.icon} className="ad-nav__icon" />
                  {t(page.word)}
                </Link>
              </li>
            );
          })}
        </ul>
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
