/** Installed packages: list, components, and uninstalling with what goes. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import { packages, type PackageDetail, type PackageRequest } from "./data.ts";
import {
  Card,
  CheckField,
  Question,
  Refusal,
  SetupHeader,
  SetupLink,
  Shown,
  Table,
  useAsk,
  useChange,
  Values,
  when,
} from "./parts.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const NODE = "ImportedPackage";
const ICON = "utility:package";
const LOOK_MS = 700;

export function InstalledPackagePages({ rest }: PageProps): ReactNode {
  const [first = "home"] = rest;
  return first === "home" ? <PackageList /> : <OnePackage id={first} />;
}

function PackageList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(packages.list, "packages");
  return (
    <>
      <SetupHeader title={t("tree.page.ImportedPackage")} icon={ICON} />
      <Card title={t("tree.page.ImportedPackage")}>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("tree.page.ImportedPackage")}
              rows={rows}
              rowKey={(row) => row.id}
              empty={t("packages.none")}
              columns={[
                {
                  key: "name",
                  label: t("packages.name"),
                  head: true,
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.id, "view"]}>
                      {row.name}
                    </SetupLink>
                  ),
                },
                { key: "publisher", label: t("packages.publisher"), show: (row) => row.publisher },
                { key: "version", label: t("packages.version"), show: (row) => row.version },
                { key: "namespace", label: t("sets.namespace"), show: (row) => row.namespace },
                { key: "by", label: t("packages.by"), show: (row) => row.installed_by },
                { key: "at", label: t("packages.at"), show: (row) => when(row.installed_at) },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

/** Waits until an uninstallation has ended; throws what went wrong with it. */
async function ended(request: PackageRequest): Promise<PackageRequest> {
  let now = request;
  while (now.status === "IN_PROGRESS") {
    await new Promise((resolve) => window.setTimeout(resolve, LOOK_MS));
    now = await packages.request(now.id);
  }
  return now;
}

function OnePackage({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => packages.show(id), id);
  const [leaving, setLeaving] = useState(false);
  return (
    <Shown of={asked}>
      {(found) => (
        <>
          <SetupHeader
            title={found.name}
            icon={ICON}
            crumb={{ label: t("tree.page.ImportedPackage"), to: setupPath(NODE) }}
            actions={
              may("CustomizeApplication") && (
                <Button onClick={() => setLeaving(true)}>{t("packages.uninstall")}</Button>
              )
            }
          />
          <Card title={t("packages.detail")}>
            <Values
              of={[
                [t("packages.name"), found.name],
                [t("packages.publisher"), found.publisher],
                [t("packages.version"), found.version],
                [t("sets.namespace"), found.namespace],
                [t("sets.description"), found.description],
                [t("packages.by"), `${found.installed_by ?? ""}, ${when(found.installed_at)}`],
                [t("setup.modified"), when(found.changed_at)],
              ]}
            />
          </Card>
          <Card title={t("packages.components")}>
            <Table
              label={t("packages.components")}
              rows={found.components}
              rowKey={(row) => `${row.type} ${row.name}`}
              empty={t("sets.nothing")}
              columns={[
                { key: "name", label: t("packages.component"), head: true, show: (row) => row.name },
                { key: "type", label: t("apps.kind"), show: (row) => row.type },
              ]}
            />
          </Card>
          {leaving && <Uninstall found={found} onClose={() => setLeaving(false)} />}
        </>
      )}
    </Shown>
  );
}

function Uninstall({ found, onClose }: { found: PackageDetail; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const [withData, setWithData] = useState(false);
  const [problems, setProblems] = useState<string[]>([]);
  const change = useChange();
  const uninstall = () =>
    void change.run(async () => {
      setProblems([]);
      const end = await ended(await packages.uninstall(found.id, withData));
      if (end.status === "SUCCESS") navigate(setupPath(NODE));
      else setProblems(end.problems);
    });
  return (
    <Question
      title={t("packages.uninstall.title", { name: found.name })}
      confirm={t(change.busy ? "packages.uninstalling" : "packages.uninstall")}
      busy={change.busy || (found.data.length > 0 && !withData)}
      onClose={onClose}
      onConfirm={uninstall}
    >
      <Refusal error={change.error} />
      {problems.length > 0 && (
        <ul className="slds-list_dotted setup-problems" role="alert">
          {problems.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      )}
      <p className="slds-m-bottom_small">
        {t("packages.uninstall.hint", { count: found.components.length })}
      </p>
      {found.data.length > 0 && (
        <>
          <p>{t("packages.uninstall.data")}</p>
          <ul className="slds-list_dotted setup-problems">
            {found.data.map((each) => (
              <li key={each.name}>{`${each.name}: ${each.count}`}</li>
            ))}
          </ul>
          <CheckField label={t("packages.uninstall.sure")} value={withData} onChange={setWithData} />
        </>
      )}
    </Question>
  );
}
