import { LightningElement } from "lwc";
import { ShowToastEvent } from "lightning/platformShowToastEvent";
import locale from "@salesforce/i18n/locale";
import timeZone from "@salesforce/i18n/timeZone";
import beginAccess from "@salesforce/apex/TielineAccess.authorize";
import revoke from "@salesforce/apex/TielineAccess.revoke";
import status from "@salesforce/apex/TielineAccess.status";
import { filled, problemOf } from "c/tielineWords";
import account from "@salesforce/label/c.Tieline_Access_Account";
import again from "@salesforce/label/c.Tieline_Access_Again";
import allows from "@salesforce/label/c.Tieline_Access_Allows";
import at from "@salesforce/label/c.Tieline_Access_At";
import authorize from "@salesforce/label/c.Tieline_Access_Authorize";
import authorized from "@salesforce/label/c.Tieline_Access_Authorized";
import badgeAuthorized from "@salesforce/label/c.Tieline_Access_Badge";
import blocked from "@salesforce/label/c.Tieline_Access_Blocked";
import by from "@salesforce/label/c.Tieline_Access_By";
import cancel from "@salesforce/label/c.Tieline_Cancel";
import closed from "@salesforce/label/c.Tieline_Access_Closed";
import denied from "@salesforce/label/c.Tieline_Access_Denied";
import ended from "@salesforce/label/c.Tieline_Access_Ended";
import expires from "@salesforce/label/c.Tieline_Access_Expires";
import failed from "@salesforce/label/c.Tieline_Access_Failed";
import intro from "@salesforce/label/c.Tieline_Access_Intro";
import loading from "@salesforce/label/c.Tieline_Loading";
import noPrincipal from "@salesforce/label/c.Tieline_Access_No_Principal";
import none from "@salesforce/label/c.Tieline_Access_None";
import notInstalled from "@salesforce/label/c.Tieline_Access_Not_Installed";
import preferences from "@salesforce/label/c.Tieline_Access_Scope_Preferences";
import refused from "@salesforce/label/c.Tieline_Access_Refused";
import retry from "@salesforce/label/c.Tieline_Retry";
import revokeLabel from "@salesforce/label/c.Tieline_Access_Revoke";
import revokeAsk from "@salesforce/label/c.Tieline_Access_Revoke_Ask";
import revokeExplain from "@salesforce/label/c.Tieline_Access_Revoke_Explain";
import revoked from "@salesforce/label/c.Tieline_Access_Revoked";
import revokedHere from "@salesforce/label/c.Tieline_Access_Revoked_Here";
import title from "@salesforce/label/c.Tieline_Access_Title";
import unreachable from "@salesforce/label/c.Tieline_Access_Unreachable";
import user from "@salesforce/label/c.Tieline_Access_User";
import userInfo from "@salesforce/label/c.Tieline_Access_Scope_User_Info";
import users from "@salesforce/label/c.Tieline_Access_Scope_Users";
import waiting from "@salesforce/label/c.Tieline_Access_Waiting";
import wrongAccount from "@salesforce/label/c.Tieline_Access_Wrong_Account";
import wrongAccountExplain from "@salesforce/label/c.Tieline_Access_Wrong_Account_Explain";

/** Where the window ends. It is closed as soon as it comes back to this org; the page there is not waited for. */
const RETURN = "/lightning/n/Tieline_Settings";
const WINDOW = "popup,width=560,height=760";
const LOOK_MS = 300;
/** A window that this page cannot see into is noticed by asking the org, so seldom. */
const ASK_EVERY = 10;
/** How often the contact center is asked whether it still takes the org, while somebody looks at the page. */
const FOLLOW_MS = 5000;
const FOLLOWED = ["authorized", "elsewhere", "unreachable"];

const SCOPES = {
  "contact_center_preferences:read": preferences,
  "contact_center_users:manage": users,
  "user_info:read": userInfo,
};

/** The org's access to the contact center: authorize, who did, revoke. */
export default class TielineAccess extends LightningElement {
  static renderMode = "light";

  labels = {
    again,
    authorize,
    authorized,
    cancel,
    intro,
    loading,
    retry,
    revoke: revokeLabel,
    revokeAsk,
    revokeExplain,
    title,
    waiting,
  };
  status = null;
  problem = "";
  busy = false;
  asking = false;
  waiting = false;
  window = null;
  timer = null;

  connectedCallback() {
    this.load();
  }

  disconnectedCallback() {
    this.stop();
  }

  async load() {
    this.problem = "";
    try {
      this.show(await status());
    } catch (error) {
      this.problem = this.said(error);
    }
  }

  show(found) {
    const before = this.status?.state;
    this.status = found;
    if (found.state === "ended") this.problem = ended;
    if (found.state === "elsewhere")
      this.problem = filled(wrongAccountExplain, found.user, found.account);
    if (found.state === "noPrincipal") this.problem = noPrincipal;
    if (found.state === "unreachable")
      this.problem = filled(unreachable, found.portal);
    if (before !== undefined && before !== found.state)
      this.dispatchEvent(new CustomEvent("change"));
    this.follow();
  }

  /** An access that is removed in the portal tells this page nothing, so that it asks. */
  follow() {
    if (!this.isConnected || this.waiting) return;
    clearTimeout(this.timer);
    if (!FOLLOWED.includes(this.status.state)) return;
    // eslint-disable-next-line @lwc/lwc/no-async-operation -- the portal does not push to pages of the org
    this.timer = setTimeout(async () => {
      const busy = () => this.waiting || this.busy || this.asking;
      if (document.visibilityState !== "visible" || busy()) {
        this.follow();
        return;
      }
      const found = await status().catch(() => null);
      if (!this.isConnected || busy() || found === null) {
        this.follow();
        return;
      }
      this.problem = "";
      this.show(found);
    }, FOLLOW_MS);
  }

  said(error) {
    const portal = this.status?.portal ?? "";
    return problemOf(error, {
      NO_PRINCIPAL: noPrincipal,
      NOT_INSTALLED: notInstalled,
      REFUSED: refused,
      UNREACHABLE: filled(unreachable, portal),
    });
  }

  get isLoading() {
    return this.status === null && this.problem === "";
  }

  get isAuthorized() {
    return this.status?.state === "authorized";
  }

  /** Whether the contact center takes the org, be it for the wrong account. */
  get isTaken() {
    return ["authorized", "elsewhere"].includes(this.status?.state);
  }

  get canAuthorize() {
    return (
      !this.waiting && ["none", "ended", "elsewhere"].includes(this.status?.state)
    );
  }

  get canRetry() {
    return !this.canAuthorize;
  }

  get badge() {
    if (this.isAuthorized) return badgeAuthorized;
    if (this.status?.state === "elsewhere") return wrongAccount;
    return ["none", "ended"].includes(this.status?.state) ? none : "";
  }

  get badgeClass() {
    if (this.isAuthorized) return "slds-badge slds-theme_success";
    return this.isTaken ? "slds-badge slds-theme_warning" : "slds-badge";
  }

  get facts() {
    const format = new Intl.DateTimeFormat(locale, {
      dateStyle: "medium",
      timeStyle: "short",
      timeZone,
    });
    const moment = (value) => (value ? format.format(new Date(value)) : "");
    const found = this.status;
    return [
      [by, found.allowedBy],
      [at, moment(found.at)],
      [account, found.account],
      [user, found.user],
      [allows, found.scopes.map((scope) => SCOPES[scope] ?? scope).join(" / ")],
      [expires, moment(found.expiresAt)],
    ]
      .filter(([, value]) => value)
      .map(([label, value]) => ({ label, value, term: `${label}:` }));
  }

  async handleAuthorize() {
    this.stop();
    this.problem = "";
    // Opened by the click itself: later it would be a pop-up that nobody asked for.
    const opened = window.open("", "tieline-access", WINDOW);
    if (!opened) {
      this.problem = blocked;
      return;
    }
    this.window = opened;
    this.waiting = true;
    try {
      // What the wrong account has allowed is given back: nobody would look for it there.
      if (this.status?.state === "elsewhere") await revoke();
      opened.location = await beginAccess({ returnUrl: RETURN });
      this.watch(0);
    } catch (error) {
      this.stop();
      this.problem = this.said(error);
    }
  }

  /** Looks after the window until it has come back, was closed, or the org says that the access is there. */
  watch(turn) {
    // eslint-disable-next-line @lwc/lwc/no-async-operation -- a window tells nobody that it was closed
    this.timer = setTimeout(async () => {
      const opened = this.window;
      if (!opened) return;
      const told = this.cameBack(opened);
      if (
        told !== null ||
        opened.closed ||
        turn % ASK_EVERY === ASK_EVERY - 1
      ) {
        const found = await status().catch(() => null);
        if (opened !== this.window) return;
        const done = found?.state === "authorized";
        if (done || told !== null || opened.closed) {
          this.stop();
          if (found) this.show(found);
          if (!done && !["unreachable", "elsewhere"].includes(found?.state))
            this.problem = this.why(told);
          return;
        }
      }
      this.watch(turn + 1);
    }, LOOK_MS);
  }

  why(told) {
    if (told === null) return closed;
    return told === "access_denied"
      ? denied
      : filled(failed, told || "no_token");
  }

  /** What the window's address says once it is this org's again: an error, or nothing; null while it is elsewhere. */
  cameBack(opened) {
    try {
      const { origin, pathname, search } = opened.location;
      if (origin !== window.location.origin || pathname !== RETURN) return null;
      return new URLSearchParams(search).get("error") ?? "";
    } catch {
      return null;
    }
  }

  handleCancel() {
    this.stop();
  }

  stop() {
    clearTimeout(this.timer);
    this.waiting = false;
    const opened = this.window;
    this.window = null;
    if (opened && !opened.closed) opened.close();
  }

  ask() {
    this.asking = true;
  }

  close() {
    this.asking = false;
  }

  async handleRevoke() {
    this.busy = true;
    try {
      const told = await revoke();
      this.dispatchEvent(
        new ShowToastEvent({
          title: told ? revoked : revokedHere,
          variant: told ? "success" : "warning",
        }),
      );
      this.asking = false;
      await this.load();
    } catch (error) {
      this.dispatchEvent(
        new ShowToastEvent({ title: this.said(error), variant: "error" }),
      );
    } finally {
      this.busy = false;
    }
  }
}
