/** Pages about the org as a whole: setup audit trail, login history, company information. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/controls.tsx";
import { formatNumber, formatTime } from "../../ui/format.ts";
import { region } from "../data/session.ts";
import { org, type Change } from "./data.ts";
import { Card, SetupHeader, Shown, Table, TextField, useAsk, Values, when } from "./parts.tsx";

/** The sentence of a change in the reader's language; for an action without one, what is known of it. */
function useSentence(): (change: Change) => string {
  const { t, i18n } = useTranslation();
  return ({ action, detail }) => {
    const values = {
      name: detail.name ?? "",
      on: detail.on ?? "",
      value: detail.value ?? "",
      fields: (detail.fields ?? []).join(t("form.comma")),
    };
    const key = `audit.${action}`;
    if (i18n.exists(key)) return t(key, values);
    return [action, values.name, values.on, values.value, values.fields]
      .filter((each) => each !== "")
      .join(" • ");
  };
}

const SHOWN = 20;

export function AuditTrailPage(): ReactNode {
  const { t, i18n } = useTranslation();
  const asked = useAsk(org.changes, "changes");
  const [all, setAll] = useState(false);
  const sentence = useSentence();
  const section = (key: string) => (i18n.exists(`audit.section.${key}`) ? t(`audit.section.${key}`) : key);
  const download = (rows: Change[]) => {
    const cell = (text: string) => `"${text.replace(/^([=+\-@\t\r])/, "'$1").replaceAll('"', '""')}"`;
    const lines = rows.map((row) =>
      [row.at, row.username ?? "", sentence(row), section(row.section)].map(cell).join(","),
    );
    const head = [t("audit.date"), t("audit.user"), t("audit.action"), t("audit.section")]
      .map(cell)
      .join(",");
    const url = URL.createObjectURL(
      new Blob(["\uFEFF", [head, ...lines].join("\r\n")], { type: "text/csv" }),
    );
    const link = document.createElement("a");
    link.href = url;
    link.download = "setup-audit-trail.csv";
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <>
      <SetupHeader
        title={t("tree.page.SecurityEvents")}
        icon="utility:shield"
        actions={
          asked.value !== null && (
            <Button onClick={() => download(asked.value ?? [])}>{t("audit.download")}</Button>
          )
        }
      />
      <Card title={t("audit.newest")}>
        <p className="slds-m-bottom_small">{t("audit.hint")}</p>
        <Shown of={asked}>
          {(rows) => (
            <>
              <Table
                label={t("tree.page.SecurityEvents")}
                rows={(all ? rows : rows.slice(0, SHOWN)).map((row, at) => ({ ...row, at_: at }))}
                rowKey={(row) => `${row.at} ${row.at_}`}
                empty={t("audit.none")}
                columns={[
                  { key: "at", label: t("audit.date"), show: (row) => when(row.at), width: "12rem" },
                  { key: "user", label: t("audit.user"), show: (row) => row.username },
                  { key: "action", label: t("audit.action"), head: true, show: sentence },
                  { key: "section", label: t("audit.section"), show: (row) => section(row.section) },
                ]}
              />
              {!all && rows.length > SHOWN && (
                <div className="setup-actions">
                  <Button onClick={() => setAll(true)}>{t("audit.more", { count: rows.length })}</Button>
                </div>
              )}
            </>
          )}
        </Shown>
      </Card>
    </>
  );
}

export function LoginHistoryPage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(org.logins, "logins");
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  return (
    <>
      <SetupHeader title={t("tree.page.LoginHistory")} icon="utility:clock" />
      <Card title={t("tree.page.LoginHistory")}>
        <div className="setup-form slds-m-bottom_small">
          <TextField label={t("sets.search")} type="search" value={text} maxLength={100} onChange={setText} />
        </div>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("tree.page.LoginHistory")}
              rows={rows
                .filter((row) =>
                  `${row.username} ${row.address} ${row.app ?? ""}`.toLowerCase().includes(wanted),
                )
                .map((row, at) => ({ ...row, at_: at }))}
              rowKey={(row) => `${row.at} ${row.at_}`}
              empty={t("logins.none")}
              columns={[
                { key: "user", label: t("users.username"), head: true, show: (row) => row.username },
                { key: "at", label: t("logins.at"), show: (row) => when(row.at) },
                { key: "kind", label: t("logins.kind"), show: (row) => row.kind },
                { key: "status", label: t("logins.status"), show: (row) => row.status },
                { key: "app", label: t("apps.app"), show: (row) => row.app },
                { key: "address", label: t("logins.address"), show: (row) => row.address },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

export function CompanyPage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(org.company, "company");
  return (
    <>
      <SetupHeader title={t("tree.page.CompanyProfileInfo")} icon="utility:company" />
      <Shown of={asked}>
        {(company) => {
          const most = Math.max(1, ...company.api_hours.map((each) => each.requests));
          const number = (value: number) => formatNumber(value, region());
          return (
            <>
              <Card title={t("company.detail")}>
                <Values
                  of={[
                    [t("company.name"), company.name],
                    [t("company.id"), company.id],
                    [t("company.edition"), company.edition],
                    [t("company.instance"), company.instance],
                    [
                      t("users.language"),
                      t(`language.${company.language}`, { defaultValue: company.language }),
                    ],
                    [t("users.locale"), company.locale],
                    [t("users.timeZone"), company.time_zone],
                    [t("setup.created"), when(company.created_at)],
                  ]}
                />
              </Card>
              <Card title={t("company.licences")}>
                <Values
                  of={[
                    [
                      t("company.users"),
                      t("company.users.of", { used: company.active_users, total: company.users }),
                    ],
                  ]}
                />
              </Card>
              <Card title={t("company.api")}>
                <p className="slds-m-bottom_small">
                  {t("company.api.used", {
                    used: number(company.api_used),
                    most: number(company.api_maximum),
                  })}
                </p>
                {company.api_hours.length > 0 && (
                  <div
                    className="setup-bars"
                    role="img"
                    aria-label={t("company.api.chart", { most: number(most) })}
                  >
                    {company.api_hours.map((each) => (
                      <div
                        key={each.hour}
                        className="setup-bars__bar"
                        style={{ height: `${(each.requests / most) * 100}%` }}
                        title={`${formatTime(each.hour, region())}: ${number(each.requests)}`}
                      />
                    ))}
                  </div>
                )}
              </Card>
              <Card title={t("company.storage")}>
                <Table
                  label={t("company.storage")}
                  rows={company.storage}
                  rowKey={(row) => row.label}
                  empty={t("company.storage.none")}
                  columns={[
                    { key: "label", label: t("company.recordType"), head: true, show: (row) => row.label },
                    { key: "records", label: t("company.records"), show: (row) => number(row.records) },
                    { key: "kb", label: t("company.size"), show: (row) => `${number(row.kb)} KB` },
                  ]}
                />
              </Card>
            </>
          );
        }}
      </Shown>
    </>
  );
}
