import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import type { Callbar, CallbarState, SignIn } from "../controller.ts";

export function SignInView({ callbar, state }: { callbar: Callbar; state: CallbarState }): ReactNode {
  const { t } = useTranslation();
  const { signIn } = state;
  const waiting = signIn.kind === "waiting" && signIn.window === "open";
  return (
    <div className="cb-center">
      <Disc icon="utility:call" tone="brand" />
      <h2 className="cb-title">{t("sign_in.title")}</h2>
      <p className="cb-text">{waiting ? t("sign_in.waiting") : t("sign_in.explain")}</p>
      <SignInTrouble signIn={signIn} />
      <Digits signIn={signIn} />
      {waiting ? (
        <div className="cb-stack">
          <Button variant="brand" onClick={() => callbar.showSignInWindow()}>
            {t("sign_in.show_window")}
          </Button>
          <Button variant="base" onClick={() => callbar.signIn()}>
            {t("sign_in.again")}
          </Button>
        </div>
      ) : (
        <Button variant="brand" disabled={signIn.kind === "preparing"} onClick={() => callbar.signIn()}>
          {t(isRetry(signIn) ? "sign_in.retry" : "sign_in.button")}
        </Button>
      )}
    </div>
  );
}

/** A sign-in that ended is begun, not tried again. */
const isRetry = (signIn: SignIn): boolean =>
  signIn.kind === "blocked" || (signIn.kind === "failed" && signIn.problem.code !== "session_missing");

/** Why signing in did not work. */
export function SignInTrouble({ signIn }: { signIn: SignIn }): ReactNode {
  const { t, i18n } = useTranslation();
  if (signIn.kind === "blocked")
    return (
      <div className="cb-full">
        <Notice variant="warning">{t("sign_in.blocked")}</Notice>
      </div>
    );
  if (signIn.kind !== "failed") return null;
  const { code, requestId } = signIn.problem;
  return (
    <div className="cb-full">
      <Notice variant="error">
        {i18n.exists(`problem.${code}`)
          ? t(`problem.${code}`)
          : t("problem.unknown", { code, request: requestId ?? "–" })}
      </Notice>
    </div>
  );
}

/** The two digits, for a window that has lost its tie to this page and asks for them. */
export function Digits({ signIn }: { signIn: SignIn }): ReactNode {
  const { t } = useTranslation();
  if (signIn.kind !== "waiting") return null;
  return (
    <p className="cb-digits">
      {t("sign_in.digits")} <strong className="cb-digits__two">{signIn.digits}</strong>
    </p>
  );
}

/** The page around us belongs to no connection; `origin` is null where there is none around us. */
export function NotConnectedView({ origin }: { origin: string | null }): ReactNode {
  const { t } = useTranslation();
  return (
    <main className="cb">
      <div className="cb-center">
        <Disc icon="utility:unlinked" tone="calm" />
        <h1 className="cb-title">{t("not_connected.title")}</h1>
        <p className="cb-text">
          {origin ? t("not_connected.explain", { origin }) : t("not_connected.nowhere")}
        </p>
        <p className="cb-text">{t("not_connected.administrator")}</p>
      </div>
    </main>
  );
}

/** A large round mark that tells the state from across the room. */
export function Disc({
  icon,
  tone,
}: {
  icon: string;
  tone: "brand" | "ready" | "away" | "calm" | "error";
}): ReactNode {
  return (
    <span className={`cb-disc cb-disc_${tone}`}>
      <Symbol name={icon} className="cb-disc__icon" />
    </span>
  );
}
