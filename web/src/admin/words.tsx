/** Sentences and values that several pages of the portal show alike. */
import { createContext, type ReactNode, useContext } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../data/http.ts";
import type { EngagementRow, Outcome } from "../data/engagements.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { formatDuration, type Region } from "../ui/format.ts";

/** The account's time zone; empty where nobody is signed in: then it is the browser's. */
export const TimeZone = createContext("");

/** The user's own way of writing dates where the browser speaks the page's language, and the account's time zone. */
export function useRegion(): Region {
  const zone = useContext(TimeZone);
  const { i18n } = useTranslation();
  const own = navigator.languages.find((tag) => tag.toLowerCase().startsWith(i18n.language));
  return {
    locale: own ?? (i18n.language === "ja" ? "ja-JP" : "en-US"),
    timeZone: zone || Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

/** The sentence for a failure; one without a sentence of its own names its code and request. */
export function useProblemText(): (problem: Problem) => string {
  const { t, i18n } = useTranslation();
  return (problem) => {
    const key = `problem.${problem.code}`;
    return i18n.exists(key)
      ? t(key, problem.params)
      : t("problem.unknown", { code: problem.code, request: problem.requestId ?? "–" });
  };
}

export function ProblemNotice({ problem, onRetry }: { problem: Problem; onRetry?: () => void }): ReactNode {
  const { t } = useTranslation();
  const textOf = useProblemText();
  return (
    <Notice variant="error">
      <p>{textOf(problem)}</p>
      {onRetry && (
        <Button className="slds-m-top_x-small" onClick={onRetry}>
          {t("retry")}
        </Button>
      )}
    </Notice>
  );
}

/** A word for a code; a code that has none yet shows itself. */
export function useWord(): (area: string, code: string) => string {
  const { t, i18n } = useTranslation();
  return (area, code) => {
    const key = `${area}.${code}`;
    return i18n.exists(key) ? t(key) : code.replaceAll("_", " ");
  };
}

export const duration = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? "–" : formatDuration(ms / 1000);

/** Who called, in one line. */
export function callerName(row: Pick<EngagementRow, "record" | "party">, withheld: string): string {
  return row.record?.name ?? row.party.claimed_name ?? row.party.display ?? row.party.e164 ?? withheld;
}

const OUTCOMES: Record<Outcome, string> = {
  open: "ad-badge ad-badge_open",
  answered: "ad-badge ad-badge_good",
  unanswered: "ad-badge ad-badge_open",
  abandoned: "ad-badge ad-badge_bad",
  failed: "ad-badge ad-badge_bad",
};

export function OutcomeBadge({ outcome }: { outcome: Outcome }): ReactNode {
  const { t } = useTranslation();
  return <span className={OUTCOMES[outcome]}>{t(`outcome.${outcome}`)}</span>;
}
