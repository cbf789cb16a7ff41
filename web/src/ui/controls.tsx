/**
 * Controls of the design system that every page uses: buttons, spinner, form element, modal, toast, menu.
 * They own markup, focus and accessibility; words and behaviour come from the caller.
 */
import {
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type ButtonHTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
} from "react";
import { createPortal } from "react-dom";
import { Icon, Symbol } from "./Icon.tsx";

const BUTTONS = {
  neutral: "slds-button slds-button_neutral",
  brand: "slds-button slds-button_brand",
  destructive: "slds-button slds-button_destructive",
  base: "slds-button",
};

type NativeButton = ButtonHTMLAttributes<HTMLButtonElement>;

export function Button({
  variant = "neutral",
  icon,
  children,
  className = "",
  ...rest
}: NativeButton & { variant?: keyof typeof BUTTONS; icon?: string }): ReactNode {
  return (
    <button type="button" {...rest} className={`${BUTTONS[variant]} ${className}`}>
      {icon !== undefined && <Symbol name={icon} className="slds-button__icon slds-button__icon_left" />}
      {children}
    </button>
  );
}

/** A button that is only an icon; `label` is its name and its tooltip. */
export function IconButton({
  icon,
  label,
  variant = "bare",
  className = "",
  small = false,
  ...rest
}: NativeButton & {
  icon: string;
  label: string;
  variant?: "bare" | "border-filled" | "container" | "inverse";
  small?: boolean;
}): ReactNode {
  const style = {
    bare: "slds-button slds-button_icon slds-button_icon-bare",
    "border-filled": "slds-button slds-button_icon slds-button_icon-border-filled",
    container: "slds-button slds-button_icon slds-button_icon-container",
    inverse: "slds-button slds-button_icon slds-button_icon-inverse",
  }[variant];
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={`${style} ${small ? "slds-button_icon-small" : ""} ${className}`}
    >
      <Symbol name={icon} className={`slds-button__icon ${small ? "slds-button__icon_small" : ""}`} />
    </button>
  );
}

/** Three turning dots over the nearest positioned ancestor, or inline. */
export function Spinner({ label, inline = false }: { label: string; inline?: boolean }): ReactNode {
  const dots = (
    <div
      role="status"
      className={`slds-spinner slds-spinner_brand ${inline ? "slds-spinner_x-small ui-spinner-inline" : "slds-spinner_medium"}`}
    >
      <span className="slds-assistive-text">{label}</span>
      <div className="slds-spinner__dot-a" />
      <div className="slds-spinner__dot-b" />
    </div>
  );
  return inline ? dots : <div className="slds-spinner_container ui-spinner-calm">{dots}</div>;
}

/** Grey bars in the place of text that is on its way. */
export function Skeleton({ width = "60%" }: { width?: string }): ReactNode {
  return <span className="ui-skeleton" style={{ width }} aria-hidden="true" />;
}

/** Label, control and error message of one field. `children` gets the ids to put on the control. */
export function FormElement({
  label,
  required = false,
  error,
  help,
  requiredLabel = "",
  children,
}: {
  label: string;
  required?: boolean;
  error?: string | undefined;
  help?: string | undefined;
  requiredLabel?: string;
  children: (control: { id: string; describedBy: string | undefined; invalid: boolean }) => ReactNode;
}): ReactNode {
  const id = useId();
  const messageId = `${id}-message`;
  const message = error ?? help;
  return (
    <div className={`slds-form-element ${error === undefined ? "" : "slds-has-error"}`}>
      <label className="slds-form-element__label" htmlFor={id}>
        {required && (
          <abbr className="slds-required" title={requiredLabel}>
            *{" "}
          </abbr>
        )}
        {label}
      </label>
      <div className="slds-form-element__control">
        {children({
          id,
          describedBy: message === undefined ? undefined : messageId,
          invalid: error !== undefined,
        })}
      </div>
      {message !== undefined && (
        <div className="slds-form-element__help" id={messageId}>
          {message}
        </div>
      )}
    </div>
  );
}

const FOCUSABLE =
  'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), iframe, [tabindex]:not([tabindex="-1"])';

/** Keeps focus inside an element while it is shown, and gives it back afterwards. */
export function useFocusTrap(
  ref: RefObject<HTMLElement | null>,
  first?: RefObject<HTMLElement | null>,
): void {
  useEffect(() => {
    const before = document.activeElement;
    const element = ref.current;
    if (element === null) return;
    const start = first?.current ?? element.querySelector<HTMLElement>("[data-autofocus]") ?? element;
    // Somebody at work in an embedded page (a softphone) is not torn out of it by what opens meanwhile.
    if (!(before instanceof HTMLIFrameElement)) start.focus();
    function onKeyDown(event: globalThis.KeyboardEvent) {
      if (event.key !== "Tab" || element === null) return;
      const all = [...element.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
        (each) => each.offsetParent !== null,
      );
      const [head, tail] = [all[0], all.at(-1)];
      if (head === undefined || tail === undefined) return;
      if (event.shiftKey && (document.activeElement === head || document.activeElement === element)) {
        event.preventDefault();
        tail.focus();
      } else if (!event.shiftKey && document.activeElement === tail) {
        event.preventDefault();
        head.focus();
      }
    }
    element.addEventListener("keydown", onKeyDown);
    return () => {
      element.removeEventListener("keydown", onKeyDown);
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
    // The trap belongs to one showing of the element.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
}

const MODALS = { small: "slds-modal_small", medium: "slds-modal_medium", large: "slds-modal_large" };

/** A dialog over the page. Escape and the cross ask `onClose`. */
export function Modal({
  title,
  closeLabel,
  onClose,
  children,
  footer,
  size = "medium",
  blocking = true,
}: {
  title: string;
  closeLabel: string;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  size?: keyof typeof MODALS;
  /** False where something beside the dialog stays usable, and must not be hidden from assistive technology. */
  blocking?: boolean;
}): ReactNode {
  const titleId = useId();
  const ref = useRef<HTMLElement>(null);
  useFocusTrap(ref);
  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape" && !event.defaultPrevented) {
      event.stopPropagation();
      onClose();
    }
  }
  return createPortal(
    <div className="ui-modal-layer">
      <section
        ref={ref}
        role="dialog"
        tabIndex={-1}
        aria-modal={blocking || undefined}
        aria-labelledby={titleId}
        className={`slds-modal slds-fade-in-open ${MODALS[size]}`}
        onKeyDown={onKeyDown}
      >
        <div className="slds-modal__container">
          <div className="slds-modal__header ui-modal-header">
            <IconButton
              icon="utility:close"
              label={closeLabel}
              variant="bare"
              className="ui-modal-close"
              onClick={onClose}
            />
            <h1 id={titleId} className="slds-modal__title slds-hyphenate">
              {title}
            </h1>
          </div>
          <div className="slds-modal__content slds-p-around_medium">{children}</div>
          {footer !== undefined && <div className="slds-modal__footer">{footer}</div>}
        </div>
      </section>
      <div className="slds-backdrop slds-backdrop_open" role="presentation" />
    </div>,
    document.body,
  );
}

export type ToastVariant = "success" | "error" | "warning" | "info";
const TOASTS: Record<ToastVariant, string> = {
  success: "slds-notify slds-notify_toast slds-theme_success",
  error: "slds-notify slds-notify_toast slds-theme_error",
  warning: "slds-notify slds-notify_toast slds-theme_warning",
  info: "slds-notify slds-notify_toast slds-theme_info",
};

/** One message at the top; put several into `<ToastContainer>`. */
export function Toast({
  variant,
  variantLabel,
  closeLabel,
  onClose,
  children,
}: {
  variant: ToastVariant;
  variantLabel: string;
  closeLabel: string;
  onClose: () => void;
  children: ReactNode;
}): ReactNode {
  return (
    <div className={TOASTS[variant]} role={variant === "error" ? "alert" : "status"}>
      <span className="slds-assistive-text">{variantLabel}</span>
      <span className="slds-icon_container slds-m-right_small slds-no-flex slds-align-top">
        <Symbol name={`utility:${variant}`} className="slds-icon slds-icon_small" />
      </span>
      <div className="slds-notify__content">
        <h2 className="slds-text-heading_small">{children}</h2>
      </div>
      <div className="slds-notify__close">
        <IconButton icon="utility:close" label={closeLabel} variant="inverse" onClick={onClose} />
      </div>
    </div>
  );
}

export function ToastContainer({ children }: { children: ReactNode }): ReactNode {
  return (
    <div className="slds-notify_container ui-toasts" aria-live="polite">
      {children}
    </div>
  );
}

/** A message about the part of the page it stands in. */
export function Notice({
  variant,
  children,
}: {
  variant: "error" | "warning" | "info";
  children: ReactNode;
}): ReactNode {
  const theme = {
    error:
      "slds-scoped-notification slds-media slds-media_center slds-scoped-notification_light ui-notice ui-notice_error",
    warning:
      "slds-scoped-notification slds-media slds-media_center slds-scoped-notification_light ui-notice ui-notice_warning",
    info: "slds-scoped-notification slds-media slds-media_center slds-scoped-notification_light ui-notice",
  }[variant];
  return (
    <div className={theme} role={variant === "error" ? "alert" : "status"}>
      <div className="slds-media__figure">
        <Icon name={`utility:${variant}`} size="small" tone={variant === "info" ? "default" : variant} />
      </div>
      <div className="slds-media__body">{children}</div>
    </div>
  );
}

/** Nothing here, and what to do about it. */
export function EmptyState({
  icon,
  title,
  heading = false,
  children,
  action,
}: {
  icon: string;
  title: string;
  /** True where nothing else on the page is its heading. */
  heading?: boolean;
  children?: ReactNode;
  action?: ReactNode;
}): ReactNode {
  const Heading = heading ? "h1" : "h2";
  return (
    <div className="ui-empty">
      <span className="ui-empty__icon">
        <Icon name={icon} size="large" />
      </span>
      <Heading className="slds-text-heading_small slds-m-bottom_xx-small">{title}</Heading>
      {children !== undefined && <div className="slds-text-color_weak">{children}</div>}
      {action !== undefined && <div className="slds-m-top_medium">{action}</div>}
    </div>
  );
}

export interface MenuItem {
  key: string;
  label: ReactNode;
  icon?: string;
  onSelect: () => void;
}

/** A button that opens a menu; arrows move, Escape closes, focus returns to the button. */
export function Menu({
  label,
  trigger,
  triggerClassName,
  heading,
  items,
  align = "left",
  selfNamed = false,
}: {
  /** Name of the menu, and of the button unless its content names it (`selfNamed`). */
  label: string;
  trigger: ReactNode;
  triggerClassName: string;
  heading?: ReactNode;
  items: MenuItem[];
  align?: "left" | "right";
  selfNamed?: boolean;
}): ReactNode {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  const close = useCallback((back: boolean) => {
    setOpen(false);
    if (back) button.current?.focus();
  }, []);
  useOutside(root, open, () => close(false));
  useLayoutEffect(() => {
    if (open) root.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
  }, [open]);

  function onKeyDown(event: KeyboardEvent) {
    const all = [...(root.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const go = (index: number) => all[(index + all.length) % all.length]?.focus();
    if (event.key === "Escape") close(true);
    else if (event.key === "Tab") setOpen(false);
    else if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(-1);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div
      ref={root}
      className={`slds-dropdown-trigger slds-dropdown-trigger_click ${open ? "slds-is-open" : ""}`}
    >
      <button
        ref={button}
        type="button"
        className={triggerClassName}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={selfNamed ? undefined : label}
        title={label}
        onClick={() => setOpen(!open)}
      >
        {trigger}
      </button>
      {open && (
        <div
          id={id}
          className={`slds-dropdown ${align === "right" ? "slds-dropdown_right" : "slds-dropdown_left"} ui-menu`}
          onKeyDown={onKeyDown}
        >
          {heading}
          <ul className="slds-dropdown__list" role="menu" aria-label={label}>
            {items.map((item) => (
              <li key={item.key} className="slds-dropdown__item" role="presentation">
                <a
                  role="menuitem"
                  tabIndex={-1}
                  href="#"
                  onClick={(event) => {
                    event.preventDefault();
                    close(true);
                    item.onSelect();
                  }}
                  onKeyDown={(event) => {
                    if (event.key === " ") event.currentTarget.click();
                  }}
                >
                  <span className="slds-truncate">
                    {item.icon !== undefined && (
                      <Symbol
                        name={item.icon}
                        className="slds-icon slds-icon_x-small slds-icon-text-default slds-m-right_x-small"
                      />
                    )}
                    {item.label}
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

/** Calls `leave` when a pointer goes down outside of the element, while `active`. */
export function useOutside(ref: RefObject<HTMLElement | null>, active: boolean, leave: () => void): void {
  const latest = useRef(leave);
  latest.current = leave;
  useEffect(() => {
    if (!active) return;
    const onPointerDown = (event: PointerEvent) => {
      if (ref.current !== null && !ref.current.contains(event.target as Node)) latest.current();
    };
    // A click into an embedded page never reaches this document; losing focus to it tells the same.
    const onBlur = () => {
      if (document.activeElement instanceof HTMLIFrameElement) latest.current();
    };
    document.addEventListener("pointerdown", onPointerDown);
    window.addEventListener("blur", onBlur);
    return () => {
      document.removeEventListener("pointerdown", onPointerDown);
      window.removeEventListener("blur", onBlur);
    };
  }, [ref, active]);
}
