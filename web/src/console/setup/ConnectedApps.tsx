/** Connected apps OAuth usage: which apps were authorised by whom, and taking that back. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/controls.tsx";
import { setupPath } from "../router.ts";
import { org, type AppRow, type AppUser } from "./data.ts";
import { Card, SetupHeader, SetupLink, Shown, Table, useAsk, useLive, when } from "./parts.tsx";
import { Doing } from "./shared.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const NODE = "ConnectedAppsUsage";
const ICON = "utility:connected_apps";

export function ConnectedAppsPages({ rest }: PageProps): ReactNode {
  const [first = "home"] = rest;
  return first === "home" ? <Usage /> : <AppUsers id={first} />;
}

function Usage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(org.apps, "apps");
  useLive(asked);
  const [doomed, setDoomed] = useState<AppRow | null>(null);
  return (
    <>
      <SetupHeader title={t("tree.page.ConnectedAppsUsage")} icon={ICON} />
      <Card title={t("tree.page.ConnectedAppsUsage")}>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("tree.page.ConnectedAppsUsage")}
              rows={rows}
              rowKey={(row) => row.client_id}
              empty={t("apps.none")}
              columns={[
                { key: "label", label: t("apps.app"), head: true, show: (row) => row.label },
                { key: "kind", label: t("apps.kind"), show: (row) => t(`apps.kind.${row.kind}`) },
                {
                  key: "users",
                  label: t("apps.users"),
                  show: (row) =>
                    row.users === 0 ? (
                      t("apps.notAuthorized")
                    ) : (
                      <SetupLink node={NODE} rest={[row.client_id, "view"]}>
                        {t("sets.users.count", { count: row.users })}
                      </SetupLink>
                    ),
                },
                { key: "used", label: t("apps.used"), show: (row) => when(row.used_at) },
                {
                  key: "permitted",
                  label: t("apps.permitted"),
                  show: (row) => t(`apps.permitted.${row.permitted}`),
                },
                {
                  key: "action",
                  label: t("setup.action"),
                  show: (row) =>
                    row.users > 0 &&
                    may("CustomizeApplication") && (
                      <button
                        type="button"
                        className="slds-button"
                        aria-label={t("apps.revokeAll.of", { name: row.label })}
                        onClick={() => setDoomed(row)}
                      >
                        {t("apps.revokeAll")}
                      </button>
                    ),
                },
              ]}
            />
          )}
        </Shown>
      </Card>
      {doomed !== null && (
        <Doing
          title={t("apps.revokeAll")}
          confirm={t("apps.revoke")}
          work={() => org.revoke(doomed.client_id, null)}
          done={t("apps.revoked")}
          onClose={() => setDoomed(null)}
          onDone={() => {
            setDoomed(null);
            void asked.again();
          }}
        >
          {t("apps.revoke.hint", { name: doomed.label })}
        </Doing>
      )}
    </>
  );
}

function AppUsers({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => Promise.all([org.apps(), org.appUsers(id)]), id);
  useLive(asked);
  const [doomed, setDoomed] = useState<AppUser | null>(null);
  return (
    <Shown of={asked}>
      {([apps, users]) => (
        <>
          <SetupHeader
            title={apps.find((each) => each.client_id === id)?.label ?? id}
            icon={ICON}
            crumb={{ label: t("tree.page.ConnectedAppsUsage"), to: setupPath(NODE) }}
          />
          <Card title={t("apps.usersOf")}>
            <Table
              label={t("apps.usersOf")}
              rows={users}
              rowKey={(row) => row.id}
              empty={t("apps.users.none")}
              columns={[
                { key: "name", label: t("users.username"), head: true, show: (row) => row.username },
                { key: "first", label: t("apps.first"), show: (row) => when(row.first_used) },
                { key: "used", label: t("apps.used"), show: (row) => when(row.used_at) },
                { key: "grants", label: t("apps.grants"), show: (row) => row.grants },
                {
                  key: "action",
                  label: t("setup.action"),
                  show: (row) =>
                    may("CustomizeApplication") && (
                      <Button
                        aria-label={t("apps.revoke.of", { name: row.username })}
                        onClick={() => setDoomed(row)}
                      >
                        {t("apps.revoke")}
                      </Button>
                    ),
                },
              ]}
            />
          </Card>
          {doomed !== null && (
            <Doing
              title={t("apps.revoke")}
              confirm={t("apps.revoke")}
              work={() => org.revoke(id, doomed.id)}
              done={t("apps.revoked")}
              onClose={() => setDoomed(null)}
              onDone={() => {
                setDoomed(null);
                void asked.again();
              }}
            >
              {t("apps.revoke.user", { name: doomed.username })}
            </Doing>
          )}
        </>
      )}
    </Shown>
  );
}
