/** The user's own language, locale and time zone. What is saved holds for the whole page, which loads anew. */
import { useEffect, useId, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, Modal, Notice, Spinner } from "../../ui/controls.tsx";
import { formatCurrency, formatDateTime, formatNumber, localeTag, type Region } from "../../ui/format.ts";
import { ApiError, request } from "../data/client.ts";
import { session } from "../data/session.ts";

type Name = "language" | "locale" | "time_zone";
type Settings = Record<Name, string>;
type Known = Settings & { choices: Record<Name, string[]> };

const NAMES: Name[] = ["language", "locale", "time_zone"];
const LANGUAGES: Record<string, string> = { en_US: "English", ja: "日本語" };

export default function PersonalSettings({ onClose }: { onClose: () => void }): ReactNode {
  const { t, i18n } = useTranslation();
  const [known, setKnown] = useState<Known | null>(null);
  const [chosen, setChosen] = useState<Partial<Settings>>({});
  const [problem, setProblem] = useState("");
  const [saving, setSaving] = useState(false);
  const formId = useId();

  useEffect(() => {
    request<Known>("/console/api/personal-settings").then(setKnown, (error: unknown) =>
      setProblem(error instanceof ApiError && error.message !== "" ? error.message : t("problem.network")),
    );
  }, [t]);

  const value = (name: Name) => chosen[name] ?? known?.[name] ?? "";

  async function save(event: FormEvent) {
    event.preventDefault();
    if (known === null || saving) return;
    const changes = Object.fromEntries(
      NAMES.filter((name) => value(name) !== known[name]).map((name) => [name, value(name)]),
    );
    if (Object.keys(changes).length === 0) return onClose();
    setSaving(true);
    try {
      await request("/console/api/personal-settings", { method: "PATCH", body: changes });
      window.location.reload();
    } catch (error) {
      setProblem(error instanceof ApiError && error.status !== 0 ? error.message : t("problem.network"));
      setSaving(false);
    }
  }

  const named = (name: Name, choice: string) =>
    name === "language"
      ? (LANGUAGES[choice] ?? choice)
      : name === "locale"
        ? localeName(choice, i18n.language)
        : zoneName(choice, i18n.language);
  const region: Region = { locale: value("locale"), timeZone: value("time_zone") };
  return (
    <Modal
      title={t("settings.title")}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose} disabled={saving}>
            {t("form.cancel")}
          </Button>
          <Button variant="brand" type="submit" form={formId} disabled={saving || known === null}>
            {saving ? t("form.saving") : t("form.save")}
          </Button>
        </>
      }
    >
      {problem !== "" && <Notice variant="error">{problem}</Notice>}
      {known === null ? (
        problem === "" && <Spinner label={t("app.loading")} inline />
      ) : (
        <form id={formId} onSubmit={(event) => void save(event)}>
          <p className="slds-text-color_weak slds-m-bottom_small">{session().user.username}</p>
          {NAMES.map((name) => (
            <FormElement key={name} label={t(`settings.${name}`)}>
              {(control) => (
                <div className="slds-select_container">
                  <select
                    id={control.id}
                    className="slds-select"
                    value={value(name)}
                    onChange={(event) => setChosen({ ...chosen, [name]: event.target.value })}
                  >
                    {[...new Set([known[name], ...known.choices[name]])]
                      .map((choice) => ({ choice, label: named(name, choice) }))
                      .sort((one, other) =>
                        name === "time_zone" ? 0 : one.label.localeCompare(other.label, i18n.language),
                      )
                      .map(({ choice, label }) => (
                        <option key={choice} value={choice}>
                          {label}
                        </option>
                      ))}
                  </select>
                </div>
              )}
            </FormElement>
          ))}
          <p className="slds-m-top_small">
            {t("settings.example")}{" "}
            <span className="console-settings__example">
              {[
                formatDateTime(NOON, region),
                formatNumber(1234.56, region),
                formatCurrency(1234, region),
              ].join(" · ")}
            </span>
          </p>
          <p className="slds-text-color_weak slds-m-top_x-small">{t("settings.hint")}</p>
        </form>
      )}
    </Modal>
  );
}

/** A moment that tells day from month and morning from afternoon. */
const NOON = "2026-01-31T14:05:00Z";

/** `English (United States)`, in the reader's language. */
function localeName(locale: string, language: string): string {
  const tag = localeTag(locale);
  return (
    new Intl.DisplayNames([language], { type: "language", languageDisplay: "standard" }).of(tag) ?? locale
  );
}

/** `(GMT+09:00) Japan Standard Time (Asia/Tokyo)`, in the reader's language. */
function zoneName(timeZone: string, language: string): string {
  const part = (timeZoneName: "longOffset" | "longGeneric") =>
    new Intl.DateTimeFormat(language, { timeZone, timeZoneName })
      .formatToParts(0)
      .find((each) => each.type === "timeZoneName")?.value ?? "";
  try {
    const offset = part("longOffset");
    return `(${offset === "GMT" ? "GMT+00:00" : offset}) ${part("longGeneric")} (${timeZone})`;
  } catch {
    return timeZone;
  }
}
