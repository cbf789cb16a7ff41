import { api, LightningElement } from "lwc";
import { updateRecord } from "lightning/uiRecordApi";
import locale from "@salesforce/i18n/locale";
import timeZone from "@salesforce/i18n/timeZone";
import state from "@salesforce/apex/TielineGuide.state";
import STEP from "@salesforce/schema/Tieline_Product_Setup__c.Step__c";
import { sentenceOf, titleOf, todoOf } from "c/tielineGuideWords";
import { filled, problemOf } from "c/tielineWords";
import again from "@salesforce/label/c.Tieline_Guide_Again";
import back from "@salesforce/label/c.Tieline_Guide_Back";
import closeGuide from "@salesforce/label/c.Tieline_Guide_Close";
import done from "@salesforce/label/c.Tieline_Guide_State_Done";
import finish from "@salesforce/label/c.Tieline_Guide_Finish";
import help from "@salesforce/label/c.Tieline_Guide_Help";
import intro from "@salesforce/label/c.Tieline_Guide_Intro";
import loading from "@salesforce/label/c.Tieline_Loading";
import locked from "@salesforce/label/c.Tieline_Guide_State_Locked";
import look from "@salesforce/label/c.Tieline_Guide_State_Look";
import newWindow from "@salesforce/label/c.Tieline_Guide_New_Window";
import next from "@salesforce/label/c.Tieline_Guide_Next";
import now from "@salesforce/label/c.Tieline_Guide_Now";
import open from "@salesforce/label/c.Tieline_Guide_State_Open";
import openPhone from "@salesforce/label/c.Tieline_Guide_Open_Phone";
import openPortal from "@salesforce/label/c.Tieline_Guide_Open_Portal";
import openSetup from "@salesforce/label/c.Tieline_Guide_Open_Setup";
import openTab from "@salesforce/label/c.Tieline_Guide_Open_Tab";
import optional from "@salesforce/label/c.Tieline_Guide_State_Optional";
import progress from "@salesforce/label/c.Tieline_Guide_Progress";
import retry from "@salesforce/label/c.Tieline_Retry";
import seen from "@salesforce/label/c.Tieline_Guide_Seen";
import stepOf from "@salesforce/label/c.Tieline_Guide_Step_Of";
import steps from "@salesforce/label/c.Tieline_Guide_Steps";
import title from "@salesforce/label/c.Tieline_Guide_Title";
import todo from "@salesforce/label/c.Tieline_Guide_Todo";

/** Where a step is done: a tab of this page, a page of Set-up, or a page of the portal; and its page of help. */
const PLACES = {
  authorize: { tab: "access", help: "authorize" },
  connect: { portal: "/portal/connections", help: "connect" },
  callCenter: { setup: "CallCenters", help: "call-center" },
  utilityItem: { setup: "NavigationMenus", help: "console" },
  permissionSets: { setup: "PermSets", help: "package" },
  users: { setup: "CallCenters", help: "users" },
  clientIntegration: { portal: "/portal/users", help: "users" },
  countryCodes: { tab: "codes", help: "country-codes" },
  statusSync: { tab: "sync", help: "presence" },
  relatedObjects: { tab: "related", help: "related-objects" },
  softphoneLayout: { setup: "SoftphoneLayouts", help: "softphone-layout" },
  testCall: { portal: "/phone", label: openPhone, help: "test-call" },
};

const BADGES = {
  done: { label: done, look: "slds-badge slds-theme_success" },
  open: { label: open, look: "slds-badge slds-theme_error" },
  optional: { label: optional, look: "slds-badge slds-badge_lightest" },
  look: { label: look, look: "slds-badge slds-theme_warning" },
  locked: { label: locked, look: "slds-badge" },
};

const LOOK_MS = 10_000;
const ASKING_MS = 2_000;

/** The set-up guide. What is done is read from the org and the contact center, again and again while it is open. */
export default class TielineGuide extends LightningElement {
  static renderMode = "light";

  /** The product's record, which keeps the step; without one nothing is kept. */
  @api recordId;
  /** The step at which the guide was left. */
  @api start;

  labels = { again, back, closeGuide, finish, help, intro, loading, newWindow, next, now, retry, steps, title, todo };
  told = null;
  chosen = null;
  problem = "";
  busy = false;
  timer = null;
  gone = false;
  noticed = () => this.look();

  connectedCallback() {
    window.addEventListener("focus", this.noticed);
    this.look();
  }

  disconnectedCallback() {
    this.gone = true;
    window.removeEventListener("focus", this.noticed);
    clearTimeout(this.timer);
  }

  /** Reads the state of all steps, and again later. */
  async look() {
    clearTimeout(this.timer);
    if (this.busy) return;
    this.busy = true;
    try {
      this.told = await state();
      this.problem = "";
      if (this.chosen === null) {
        const known = this.told.steps.some((each) => each.name === this.start);
        this.chosen = known ? this.start : this.told.steps[0].name;
      }
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.busy = false;
    }
    if (this.gone) return;
    clearTimeout(this.timer);
    // eslint-disable-next-line @lwc/lwc/no-async-operation -- nobody tells this page what is done elsewhere
    this.timer = setTimeout(() => this.look(), this.told?.asking ? ASKING_MS : LOOK_MS);
  }

  get isLoading() {
    return this.told === null && this.problem === "";
  }

  get rows() {
    return this.told.steps.map((step, at) => ({
      name: step.name,
      title: `${at + 1}. ${titleOf(step.name)}`,
      badge: BADGES[step.state].label,
      badgeClass: BADGES[step.state].look,
      current: step.name === this.chosen ? "step" : null,
      itemClass: step.name === this.chosen ? "slds-p-around_x-small slds-theme_shade" : "slds-p-around_x-small",
    }));
  }

  get progress() {
    const all = this.told.steps;
    return filled(progress, all.filter((each) => each.state === "done").length, all.length);
  }

  get place() {
    return this.told.steps.findIndex((each) => each.name === this.chosen);
  }

  get step() {
    const found = this.told.steps[this.place];
    const { tab, setup, portal, label, help: topic } = PLACES[found.name];
    const origin = this.told.portal;
    const url = setup ? `/lightning/setup/${setup}/home` : origin && portal && `${origin}${portal}`;
    return {
      where: filled(stepOf, this.place + 1, this.told.steps.length),
      title: titleOf(found.name),
      todo: todoOf(found.name),
      badge: BADGES[found.state].label,
      badgeClass: BADGES[found.state].look,
      sentence: filled(sentenceOf(found.name, found.code), found.detail ?? found.count ?? 0),
      seen: found.at ? filled(seen, this.moment(found.at)) : "",
      tab,
      tabLabel: openTab,
      url: tab ? "" : url,
      urlLabel: label ?? (setup ? openSetup : openPortal),
      help: origin ? `${origin}/portal/help/${topic}` : "",
    };
  }

  moment(text) {
    return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone }).format(new Date(text));
  }

  get isFirst() {
    return this.place === 0;
  }

  get isLast() {
    return this.place === this.told.steps.length - 1;
  }

  handleChoice(event) {
    this.go(event.currentTarget.dataset.step);
  }

  handleBack() {
    this.go(this.told.steps[this.place - 1].name);
  }

  handleNext() {
    this.go(this.told.steps[this.place + 1].name);
  }

  /** Shows a step, and keeps it as the one to go on with. */
  go(name) {
    this.chosen = name;
    this.look();
    if (this.recordId)
      updateRecord({ fields: { Id: this.recordId, [STEP.fieldApiName]: name } }).catch(() => {
        // Where the guide was left is a convenience: whoever may not write it begins at the first step.
      });
  }

  handleTab() {
    this.dispatchEvent(new CustomEvent("opentab", { bubbles: true, detail: this.step.tab }));
  }

  handleFinish() {
    this.dispatchEvent(new CustomEvent("close"));
  }
}
