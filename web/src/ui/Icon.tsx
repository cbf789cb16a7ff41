/** Icons of the design system, from its sprites as shipped. */
import type { ReactNode } from "react";

type Sprite = "standard" | "utility" | "custom";

/** Address of one symbol, `utility:call` -> `/slds/icons/utility-sprite/svg/symbols.svg#call`. */
function href(name: string): string {
  const [sprite, symbol] = name.split(":") as [Sprite, string];
  return `/slds/icons/${sprite}-sprite/svg/symbols.svg#${encodeURIComponent(symbol)}`;
}

/** A bare symbol with classes of the caller; hidden from assistive technology. */
export function Symbol({ name, className }: { name: string; className: string }): ReactNode {
  return (
    <svg className={className} aria-hidden="true" focusable="false">
      <use href={href(name)} />
    </svg>
  );
}

const SIZES = {
  "xx-small": "slds-icon_xx-small",
  "x-small": "slds-icon_x-small",
  small: "slds-icon_small",
  medium: "",
  large: "slds-icon_large",
  "page-header": "slds-page-header__icon",
};

interface IconProps {
  /** `utility:call`, `standard:contact`, `custom:custom1` */
  name: string;
  size?: keyof typeof SIZES;
  /** Spoken name; without it the icon is decoration. */
  label?: string;
  /** Background colour of an object icon; the design system's own class where it has one. */
  className?: string;
  tone?: "default" | "inverse" | "error" | "success" | "warning";
}

const TONES = {
  default: "slds-icon-text-default",
  inverse: "",
  error: "slds-icon-text-error",
  success: "slds-icon-text-success",
  warning: "slds-icon-text-warning",
};

export function Icon({
  name,
  size = "medium",
  label,
  className = "",
  tone = "default",
}: IconProps): ReactNode {
  const utility = name.startsWith("utility:");
  return (
    <span className={`slds-icon_container ${className}`} title={label}>
      <Symbol name={name} className={`slds-icon ${SIZES[size]} ${utility ? TONES[tone] : ""}`} />
      {label !== undefined && <span className="slds-assistive-text">{label}</span>}
    </span>
  );
}
