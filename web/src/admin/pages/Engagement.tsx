/** One engagement: its facts, how long what took, who was asked, what the CRM has, and the story in order. */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { type EngagementDetail, readEngagement } from "../../data/engagements.ts";
import { EmptyState, Notice } from "../../ui/controls.tsx";
import { formatDateTime, localeTag, type Region } from "../../ui/format.ts";
import { Symbol } from "../../ui/Icon.tsx";
import { useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { callerName, duration, OutcomeBadge, ProblemNotice, useRegion, useWord } from "../words.tsx";

export function EngagementPage({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const reading = useReading(id, (signal) => readEngagement(id, signal), ["engagements", "records"]);
  const engagement = reading.value;
  const name = engagement ? callerName(engagement, t("caller.withheld")) : t("engagement.page");
  useEffect(() => {
    document.title = t("engagement.title", { name });
  }, [t, name]);
  const back = (
    <Link to="/portal/engagements" className="ad-back">
      <Symbol name="utility:back" className="ad-back__icon" />
      {t("engagement.back")}
    </Link>
  );
  if (reading.problem && (reading.problem.status === 404 || reading.problem.status === 422))
    return (
      <>
        {back}
        <EmptyState icon="utility:search" title={t("engagement.missing.title")}>
          {t("engagement.missing.explain")}
        </EmptyState>
      </>
    );
  return (
    <>
      {back}
      {reading.problem && <ProblemNotice problem={reading.problem} onRetry={reading.again} />}
      {engagement ? <Detail engagement={engagement} name={name} /> : !reading.problem && <Waiting />}
    </>
  );
}

function Detail({ engagement, name }: { engagement: EngagementDetail; name: string }): ReactNode {
  const { t } = useTranslation();
  const word = useWord();
  const region = useRegion();
  const { party, record, agent } = engagement;
  const number = party.display ?? party.e164 ?? t("caller.withheld");
  const timings = Object.entries(engagement.timings).filter(
    ([key, ms]) => key === "waited_ms" || Boolean(ms),
  );
  return (
    <>
      <PageHead title={name}>
        <div className="ad-head__marks">
          <OutcomeBadge outcome={engagement.outcome} />
        </div>
      </PageHead>
      <div className="ad-columns">
        <div>
          <section className="ad-card" aria-labelledby="facts">
            <h2 className="ad-card__title" id="facts">
              {t("engagement.facts")}
            </h2>
            <dl className="ad-facts">
              <Fact label={t("fact.number")}>{number}</Fact>
              {party.claimed_name && <Fact label={t("fact.claimed_name")}>{party.claimed_name}</Fact>}
              <Fact label={t("fact.record")}>
                {record ? (
                  <CrmLink url={record.url}>
                    {record.name} ({word("object", record.object_type)})
                  </CrmLink>
                ) : (
                  t("fact.no_record")
                )}
              </Fact>
              {record && <Fact label={t("fact.owner")}>{record.owner ?? "–"}</Fact>}
              {engagement.dialled && <Fact label={t("fact.dialled")}>{engagement.dialled}</Fact>}
              <Fact label={t("fact.direction")}>{t(`direction.${engagement.direction}`)}</Fact>
              <Fact label={t("column.queue")}>{engagement.queue.name}</Fact>
              <Fact label={t("column.agent")}>{agent?.name ?? "–"}</Fact>
              <Fact label={t("fact.state")}>{word("state", engagement.state)}</Fact>
              <Fact label={t("column.arrived")}>{formatDateTime(engagement.arrived_at, region)}</Fact>
              <Fact label={t("column.disposition")}>{engagement.disposition ?? "–"}</Fact>
              <Fact label={t("fact.notes")} wide>
                {engagement.notes === "" ? "–" : <span className="ad-notes">{engagement.notes}</span>}
              </Fact>
            </dl>
          </section>
          <section className="ad-card" aria-labelledby="times">
            <h2 className="ad-card__title" id="times">
              {t("engagement.timings")}
            </h2>
            {timings.length === 0 ? (
              <p className="ad-weak">{t("engagement.no_timings")}</p>
            ) : (
              <dl className="ad-figures">
                {timings.map(([key, ms]) => (
                  <div key={key}>
                    <dt>{word("timing", key)}</dt>
                    <dd className="ad-figure">{duration(ms)}</dd>
                  </div>
                ))}
              </dl>
            )}
          </section>
          <DeliveryCard engagement={engagement} region={region} />
          <OffersCard engagement={engagement} region={region} />
        </div>
        <Story engagement={engagement} region={region} />
      </div>
    </>
  );
}

/** A record's page in the CRM; its name alone where that page is not known. */
function CrmLink({ url, children }: { url: string | null; children: ReactNode }): ReactNode {
  if (url === null) return children;
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {children}
    </a>
  );
}

function Fact({
  label,
  wide = false,
  children,
}: {
  label: string;
  wide?: boolean;
  children: ReactNode;
}): ReactNode {
  return (
    <div className={wide ? "ad-fact ad-fact_wide" : "ad-fact"}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function DeliveryCard({ engagement, region }: { engagement: EngagementDetail; region: Region }): ReactNode {
  const { t, i18n } = useTranslation();
  const word = useWord();
  const { delivery } = engagement;
  return (
    <section className="ad-card" aria-labelledby="log">
      <h2 className="ad-card__title" id="log">
        {t("engagement.log")}
      </h2>
      {delivery === null ? (
        <p className="ad-weak">{t(engagement.outcome === "open" ? "log.open" : "log.none")}</p>
      ) : (
        <>
          <p className="ad-strong">{word("delivery", delivery.state)}</p>
          {delivery.delivered_at && (
            <p className="ad-weak">
              {t("log.delivered_at", { at: formatDateTime(delivery.delivered_at, region) })}
            </p>
          )}
          {delivery.state === "pending" && delivery.attempts > 0 && delivery.next_attempt_at && (
            <p className="ad-weak">
              {t("log.next_attempt", {
                count: delivery.attempts,
                at: formatDateTime(delivery.next_attempt_at, region),
              })}
            </p>
          )}
          {delivery.error && delivery.state !== "delivered" && (
            <div className="slds-m-top_x-small">
              <Notice variant={delivery.state === "failed" ? "error" : "warning"}>
                <p>
                  {i18n.exists(`delivery_error.${delivery.error.code}`)
                    ? t(`delivery_error.${delivery.error.code}`)
                    : t("delivery_error.unknown", { code: delivery.error.code })}
                </p>
                <p className="ad-weak">{delivery.error.message}</p>
              </Notice>
            </div>
          )}
          {delivery.records.length > 0 && (
            <ul className="ad-links">
              {delivery.records.map((record) => (
                <li key={record.id}>
                  <CrmLink url={record.url}>
                    {t("log.open_record", { object: word("object", record.object_type) })}
                  </CrmLink>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </section>
  );
}

function OffersCard({ engagement, region }: { engagement: EngagementDetail; region: Region }): ReactNode {
  const { t } = useTranslation();
  const word = useWord();
  return (
    <section className="ad-card" aria-labelledby="offers">
      <h2 className="ad-card__title" id="offers">
        {t("engagement.offers")}
      </h2>
      {engagement.offers.length === 0 ? (
        <p className="ad-weak">{t("offers.none")}</p>
      ) : (
        <table className="slds-table ad-table">
          <thead>
            <tr>
              <th scope="col">{t("column.agent")}</th>
              <th scope="col">{t("offers.at")}</th>
              <th scope="col">{t("offers.rang")}</th>
              <th scope="col">{t("offers.state")}</th>
            </tr>
          </thead>
          <tbody>
            {engagement.offers.map((offer) => (
              <tr key={`${offer.agent.id} ${offer.offered_at}`}>
                <th scope="row" className="ad-cell">
                  {offer.agent.name}
                </th>
                <td className="ad-cell ad-number">{clockTime(offer.offered_at, region)}</td>
                <td className="ad-cell ad-number">
                  {offer.ended_at
                    ? duration(Date.parse(offer.ended_at) - Date.parse(offer.offered_at))
                    : t("offers.ringing")}
                </td>
                <td className="ad-cell">{word("offer", offer.state)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Time of day to the second: the story's order is told in seconds. */
function clockTime(at: string, region: Region): string {
  return new Intl.DateTimeFormat(localeTag(region.locale), {
    timeZone: region.timeZone,
    timeStyle: "medium",
  }).format(Date.parse(at));
}

function Story({ engagement, region }: { engagement: EngagementDetail; region: Region }): ReactNode {
  const { t, i18n } = useTranslation();
  const word = useWord();
  const sentence = (name: string, data: Record<string, unknown>): string => {
    const key = `story.${name}`;
    if (!i18n.exists(key)) return t("story.unknown", { name });
    const agent = typeof data["agent"] === "string" ? data["agent"] : engagement.agent?.name;
    const cause = typeof data["cause"] === "string" ? data["cause"] : "";
    return t(key, {
      agent: agent ?? t("story.somebody"),
      cause: cause === "" ? t("cause.unknown") : word("cause", cause),
      queue: engagement.queue.name,
    });
  };
  return (
    <section className="ad-card ad-story" aria-labelledby="story">
      <h2 className="ad-card__title" id="story">
        {t("engagement.story")}
      </h2>
      <ol className="ad-story__list">
        {engagement.story.map((entry) => (
          <li key={entry.sequence} className="ad-story__entry">
            <time className="ad-story__time" dateTime={entry.at} title={formatDateTime(entry.at, region)}>
              {clockTime(entry.at, region)}
            </time>
            <span className="ad-story__words">{sentence(entry.name, entry.data)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
