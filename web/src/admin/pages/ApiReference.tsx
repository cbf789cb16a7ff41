/** What the REST API does, told from its own document; texts of operations are English as in the document. */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import {
  type ApiDocument,
  curlOf,
  DOCUMENT,
  exampleOf,
  kindOf,
  type Operation,
  readApiDocument,
} from "../../data/api_document.ts";
import { useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { ProblemNotice } from "../words.tsx";

/** The command that exchanges a code, with what an app fills in written large. */
const tokenCommand = (origin: string): string =>
  [
    `curl '${origin}/oauth/token' -u "$CLIENT_ID:$CLIENT_SECRET"`,
    "  -d grant_type=authorization_code",
    `  -d "code=$CODE"`,
    `  -d "code_verifier=$VERIFIER"`,
    `  --data-urlencode "redirect_uri=$REDIRECT_URI"`,
  ].join(" \\\n");

export function ApiReferencePage(): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("API reference", readApiDocument, []);
  useEffect(() => {
    document.title = t("api.page");
  }, [t]);
  return (
    <>
      <PageHead title={t("api.title")} explain={t("api.explain")}>
        <a
          className="slds-button slds-button_neutral ad-api__download"
          href={DOCUMENT}
          download="tieline-openapi.json"
        >
          {t("api.download")}
        </a>
      </PageHead>
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value === null ? (
        !problem && <Waiting />
      ) : (
        <>
          <Rules origin={value.servers[0]?.url ?? ""} />
          {Object.entries(value.paths).flatMap(([path, operations]) =>
            Object.entries(operations).map(([method, operation]) => (
              <OperationCard
                key={operation.operationId}
                method={method}
                path={path}
                operation={operation}
                whole={value}
              />
            )),
          )}
        </>
      )}
    </>
  );
}

function Rules({ origin }: { origin: string }): ReactNode {
  const { t } = useTranslation();
  return (
    <section className="slds-card ad-part ad-api" aria-labelledby="api-rules">
      <h2 id="api-rules" className="ad-card__title">
        {t("api.start")}
      </h2>
      <ol className="slds-list_ordered">
        <li>
          <Link to="/portal/developer-apps">{t("api.start.app")}</Link>
        </li>
        <li>
          {t("api.start.consent")} <code>{`${origin}/oauth/authorize`}</code>
        </li>
        <li>
          {t("api.start.token")}
          <Code text={tokenCommand(origin)} label={`${t("api.example")}: POST /oauth/token`} />
        </li>
      </ol>
      <dl className="ad-api__rules">
        {(["limits", "pages", "versions", "errors"] as const).map((rule) => (
          <div key={rule}>
            <dt className="ad-strong">{t(`api.${rule}`)}</dt>
            <dd>{t(`api.${rule}.explain`)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function OperationCard({
  method,
  path,
  operation,
  whole,
}: {
  method: string;
  path: string;
  operation: Operation;
  whole: ApiDocument;
}): ReactNode {
  const { t } = useTranslation();
  const scopes = operation.security.flatMap((each) => Object.values(each).flat());
  const answers = Object.entries(operation.responses);
  const done = answers.find(([status]) => status.startsWith("2"));
  const example = exampleOf(done?.[1], whole);
  const parameters = operation.parameters ?? [];
  const of = (what: string): string => `${what}: ${method.toUpperCase()} ${path}`;
  return (
    <section className="slds-card ad-part ad-api" aria-labelledby={operation.operationId}>
      <h2 id={operation.operationId} className="ad-card__title">
        <code>
          <span className="ad-api__method">{method.toUpperCase()}</span> {path}
        </code>
      </h2>
      <p lang="en">
        <Prose text={`${operation.summary}.`} />
      </p>
      {operation.description.replace(/\.$/, "") !== operation.summary && (
        <p lang="en" className="ad-weak">
          <Prose text={operation.description} />
        </p>
      )}
      <p>
        {t("api.needs")} {scopes.map((scope) => t(`scope.${scope}`)).join(", ")}{" "}
        <code>{scopes.join(" ")}</code>
      </p>
      {parameters.length > 0 && (
        <div className="ad-table-box" tabIndex={0} role="region" aria-label={of(t("api.parameter"))}>
          <table className="slds-table slds-table_bordered ad-table">
            <thead>
              <tr>
                <th scope="col">{t("api.parameter")}</th>
                <th scope="col">{t("api.kind")}</th>
                <th scope="col">{t("api.meaning")}</th>
              </tr>
            </thead>
            <tbody>
              {parameters.map((each) => (
                <tr key={each.name}>
                  <th scope="row" className="ad-cell">
                    <code>{each.name}</code>
                  </th>
                  <td className="ad-cell">
                    <code>{kindOf(each.schema)}</code>
                  </td>
                  <td className="ad-cell" lang="en">
                    <Prose text={each.description ?? ""} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Code text={curlOf(method, path, operation, whole)} label={of(t("api.example"))} />
      {example !== null && (
        <details className="ad-api__more">
          <summary>{t("api.answer", { status: done?.[0] ?? "" })}</summary>
          <Code text={example} label={of(t("api.answer", { status: done?.[0] ?? "" }))} />
        </details>
      )}
      <details className="ad-api__more">
        <summary>{t("api.refusals")}</summary>
        <dl className="ad-api__refusals">
          {answers
            .filter(([status]) => !status.startsWith("2"))
            .map(([status, answer]) => (
              <div key={status}>
                <dt>{status}</dt>
                <dd>
                  <code>
                    {[...answer.description.matchAll(/`(\w+)`/g)].map((each) => each[1]).join(", ")}
                  </code>
                </dd>
              </div>
            ))}
        </dl>
      </details>
    </section>
  );
}

/** A text of the document, in which names stand between backquotes. */
function Prose({ text }: { text: string }): ReactNode {
  return text.split("`").map((part, place) => (place % 2 ? <code key={place}>{part}</code> : part));
}

/** Something to copy. It scrolls by itself, so it takes the focus. */
function Code({ text, label }: { text: string; label: string }): ReactNode {
  return (
    <pre className="ad-api__code" tabIndex={0} role="region" aria-label={label}>
      {text}
    </pre>
  );
}
