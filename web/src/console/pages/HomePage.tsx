/** The home page: who is here, and the records of last time. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Skeleton } from "../../ui/controls.tsx";
import { personName } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { recentRecords } from "../data/lists.ts";
import { nameOrder, objects, session } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Recent } from "../data/types.ts";
import { listPath, navigate, recordPath } from "../router.ts";
import { objectIcon, recentName } from "../record/names.ts";
import { RecordLink } from "../shell/Link.tsx";

export default function HomePage(): ReactNode {
  const { t } = useTranslation();
  const [recent, setRecent] = useState<Recent[] | null>(null);
  const known = useStore(objects);
  const { user, org } = session();

  useEffect(() => {
    let shown = true;
    recentRecords().then(
      (found) => shown && setRecent(found),
      () => shown && setRecent([]),
    );
    return () => {
      shown = false;
    };
  }, []);

  const name = personName(
    { Name: user.name, FirstName: user.first_name, LastName: user.last_name },
    nameOrder(),
  );
  return (
    <div className="console-home">
      <header className="slds-page-header console-highlights">
        <div className="slds-media slds-media_center">
          <div className="slds-media__figure">
            <Icon name="standard:home" size="page-header" className="slds-icon-standard-home" />
          </div>
          <div className="slds-media__body">
            <h1>
              <span>{org.label}</span>
              <span className="slds-page-header__title slds-truncate">{t("home.welcome", { name })}</span>
            </h1>
          </div>
        </div>
      </header>
      <section className="slds-card console-card">
        <div className="slds-card__header slds-grid">
          <h2 className="slds-card__header-title">{t("home.recent")}</h2>
        </div>
        <div className="slds-card__body">
          {recent === null ? (
            <div className="slds-p-horizontal_medium console-timeline-skeleton">
              <Skeleton width="50%" />
              <Skeleton width="40%" />
            </div>
          ) : recent.length === 0 ? (
            <EmptyState
              icon="utility:people"
              title={t("home.empty")}
              action={
                <Button variant="brand" onClick={() => navigate(listPath("Contact"))}>
                  {t("home.open", { label: known.get("Contact")?.labelPlural ?? t("nav.Contact") })}
                </Button>
              }
            >
              {t("home.empty.hint")}
            </EmptyState>
          ) : (
            <ul className="console-recent">
              {recent.slice(0, 15).map((each) => {
                const icon = objectIcon(each.object);
                return (
                  <li key={each.id}>
                    <RecordLink className="console-recent__link" to={recordPath(each.object, each.id)}>
                      <Icon name={icon.name} size="small" className={icon.className} />
                      <span className="slds-truncate">{recentName(each)}</span>
                    </RecordLink>
                    <span className="slds-text-color_weak">{known.get(each.object)?.label ?? ""}</span>
                  </li>
                );
              })}
            </ul>
          )}
        </div>
      </section>
    </div>
  );
}
