/**
 * A field's value to be read: by type, locale and time zone. Lists draw hundreds at once, so only those that have words
 * of the page in them ask for its language.
 */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import {
  formatAddress,
  formatClock,
  formatCurrency,
  formatDate,
  formatDateTime,
  formatNumber,
  formatPercent,
  formatPhone,
  type Address,
} from "../../ui/format.ts";
import { Symbol } from "../../ui/Icon.tsx";
import { clickToDial } from "../cti/dial.ts";
import { panel } from "../cti/panel.ts";
import { region } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { isRecordId, recordPath } from "../router.ts";
import { pieces } from "./links.ts";
import { RecordLink } from "../shell/Link.tsx";

/** Whose field it is, for click-to-dial. */
export interface Owner {
  id: string;
  object: string;
  name: string;
}

export function FieldValue({
  type,
  value,
  reference,
  owner,
  picklist,
}: {
  type: string;
  value: unknown;
  reference?: { id: string; object: string; name: string } | undefined;
  owner?: Owner | undefined;
  picklist?: { value: string; label: string }[] | undefined;
}): ReactNode {
  if (type === "boolean") return <YesOrNo on={value === true} />;
  if (value === null || value === undefined || value === "") return null;
  if (type === "reference") {
    if (reference !== undefined) {
      return reference.object === "User" || reference.object === "" ? (
        reference.name
      ) : (
        <RecordLink to={recordPath(reference.object, reference.id)}>{reference.name}</RecordLink>
      );
    }
    return typeof value === "string" && !isRecordId(value) ? value : null;
  }
  if (typeof value === "number") {
    if (type === "percent") return formatPercent(value, region());
    return type === "currency" ? formatCurrency(value, region()) : formatNumber(value, region());
  }
  if (type === "address") return <AddressValue address={value} />;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  switch (type) {
    case "phone":
      return <PhoneValue number={text} owner={owner} />;
    case "email":
      return <a href={`mailto:${text}`}>{text}</a>;
    case "url":
      return <UrlValue url={text} />;
    case "date":
      return formatDate(text, region());
    case "datetime":
      return formatDateTime(text, region());
    case "time":
      return formatClock(text, region());
    case "textarea":
      return <Notes text={text} />;
    case "multipicklist":
      return (
        <Several
          labels={text
            .split(";")
            .map((each) => picklist?.find((known) => known.value === each)?.label ?? each)}
        />
      );
    case "combobox":
    case "picklist":
      return picklist?.find((each) => each.value === text)?.label ?? text;
    default:
      return text;
  }
}

function YesOrNo({ on }: { on: boolean }): ReactNode {
  const { t } = useTranslation();
  return (
    <>
      <Symbol
        name={on ? "utility:check" : "utility:dash"}
        className={`slds-icon slds-icon_x-small ${on ? "slds-icon-text-success" : "slds-icon-text-default"}`}
      />
      <span className="slds-assistive-text">{t(on ? "value.yes" : "value.no")}</span>
    </>
  );
}

function Several({ labels }: { labels: string[] }): ReactNode {
  const { t } = useTranslation();
  return labels.join(t("form.comma"));
}

/** A telephone number: a button that dials when a softphone asked for it, else plain. */
function PhoneValue({ number, owner }: { number: string; owner?: Owner | undefined }): ReactNode {
  const { clickToDial: enabled } = useStore(panel);
  if (enabled && owner !== undefined) return <DialButton number={number} owner={owner} />;
  return <span className="console-phone">{formatPhone(number, region())}</span>;
}

/** The button that dials a number, where a softphone asked for it; for places that show the number elsewhere, too. */
export function DialButton({
  number,
  owner,
  bare = false,
  tabIndex,
}: {
  number: string;
  owner: Owner;
  /** The icon alone: the number stands beside it. */
  bare?: boolean;
  tabIndex?: number;
}): ReactNode {
  const { t } = useTranslation();
  const shown = formatPhone(number, region());
  return (
    <button
      type="button"
      className="slds-button console-dial"
      aria-label={t("phone.dial", { number: shown })}
      title={t("phone.dial", { number: shown })}
      tabIndex={tabIndex}
      onClick={() => clickToDial(number, owner)}
    >
      <Symbol name="utility:call" className={`slds-button__icon ${bare ? "" : "slds-button__icon_left"}`} />
      {!bare && shown}
    </button>
  );
}

/** An address, line by line as the locale orders it. */
function AddressValue({ address }: { address: Address }): ReactNode {
  return <span className="console-lines">{formatAddress(address, region()).join("\n")}</span>;
}

/** Lines of text; addresses in them are links. */
export function Notes({ text }: { text: string }): ReactNode {
  return (
    <span className="console-lines">
      {pieces(text).map((piece, index) =>
        piece.url === null ? piece.text : <UrlValue key={index} url={piece.url} />,
      )}
    </span>
  );
}

/** A link to http(s) addresses only; anything else stays text. */
export function UrlValue({ url }: { url: string }): ReactNode {
  const address = /^https?:\/\//i.test(url) ? url : /^[\w-]+(\.[\w-]+)+/.test(url) ? `https://${url}` : null;
  if (address === null || !URL.canParse(address)) return url;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer" title={address}>
      {url}
    </a>
  );
}
