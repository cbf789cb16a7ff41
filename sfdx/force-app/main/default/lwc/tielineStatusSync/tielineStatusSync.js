import { LightningElement } from "lwc";
import { NavigationMixin } from "lightning/navigation";
import { ShowToastEvent } from "lightning/platformShowToastEvent";
import {
  APPLICATION_SCOPE,
  createMessageContext,
  publish,
  releaseMessageContext,
  subscribe,
  unsubscribe,
} from "lightning/messageService";
import CHANNEL from "@salesforce/messageChannel/Tieline_Presence__c";
import save from "@salesforce/apex/TielinePresence.save";
import state from "@salesforce/apex/TielinePresence.state";
import { settingsChanged } from "c/tielinePing";
import { filled, problemOf } from "c/tielineWords";
import becomesCenter from "@salesforce/label/c.Tieline_Sync_Becomes_Center";
import becomesSalesforce from "@salesforce/label/c.Tieline_Sync_Becomes_Salesforce";
import center from "@salesforce/label/c.Tieline_Sync_Center";
import changed from "@salesforce/label/c.Tieline_Sync_Changed";
import double from "@salesforce/label/c.Tieline_Sync_Double";
import gap from "@salesforce/label/c.Tieline_Sync_Gap";
import goneCenter from "@salesforce/label/c.Tieline_Sync_Gone_Center";
import goneSalesforce from "@salesforce/label/c.Tieline_Sync_Gone_Salesforce";
import ifCenter from "@salesforce/label/c.Tieline_Sync_If_Center";
import ifSalesforce from "@salesforce/label/c.Tieline_Sync_If_Salesforce";
import intro from "@salesforce/label/c.Tieline_Sync_Intro";
import loading from "@salesforce/label/c.Tieline_Loading";
import noPhone from "@salesforce/label/c.Tieline_Sync_No_Phone";
import notReady from "@salesforce/label/c.Tieline_Sync_Not_Ready";
import occupied from "@salesforce/label/c.Tieline_Sync_Occupied";
import off from "@salesforce/label/c.Tieline_Sync_Off";
import offline from "@salesforce/label/c.Tieline_Sync_Offline";
import ofStatus from "@salesforce/label/c.Tieline_Sync_Of";
import openSetup from "@salesforce/label/c.Tieline_Sync_Open_Setup";
import ready from "@salesforce/label/c.Tieline_Sync_Ready";
import reasonLabel from "@salesforce/label/c.Tieline_Sync_Reason";
import retry from "@salesforce/label/c.Tieline_Retry";
import salesforce from "@salesforce/label/c.Tieline_Sync_Salesforce";
import saved from "@salesforce/label/c.Tieline_Sync_Saved";
import saveLabel from "@salesforce/label/c.Tieline_Sync_Save";
import stays from "@salesforce/label/c.Tieline_Sync_Stays";
import switchedOff from "@salesforce/label/c.Tieline_Sync_Switched_Off";
import title from "@salesforce/label/c.Tieline_Sync_Title";
import toCenter from "@salesforce/label/c.Tieline_Sync_To_Center";
import toSalesforce from "@salesforce/label/c.Tieline_Sync_To_Salesforce";
import tryIt from "@salesforce/label/c.Tieline_Sync_Try";
import wrapUp from "@salesforce/label/c.Tieline_Sync_Wrap_Up";

const OFFLINE = "-offline-";
const REASON = "not_ready:";
const SETUP = "/lightning/setup/OmniChannelSettings/home";

/** Statuses of the contact center that an agent may choose: only these can be taken over from Salesforce. */
const settable = (status) => status !== "occupied" && status !== "wrap_up";

/** Which contact center status is like which Omni-Channel status, and which side follows the other. */
export default class TielineStatusSync extends NavigationMixin(LightningElement) {
  static renderMode = "light";

  labels = {
    center,
    ifCenter,
    ifSalesforce,
    intro,
    loading,
    noPhone,
    off,
    openSetup,
    retry,
    salesforce,
    save: saveLabel,
    title,
    toCenter,
    toSalesforce,
    tryIt,
  };
  state = null;
  /** Developer names by contact center status; absent: stays as it is. */
  chosen = {};
  /** `{code, name}` of the phone in this window; null while there is none. */
  reasons = null;
  problem = "";
  busy = false;
  triedCenter = "ready";
  triedSalesforce = "";
  context = null;
  subscription = null;

  connectedCallback() {
    this.context = createMessageContext();
    this.subscription = subscribe(this.context, CHANNEL, (message) => this.heard(message), {
      scope: APPLICATION_SCOPE,
    });
    publish(this.context, CHANNEL, { kind: "ask_statuses", origin: "settings", sequence: 0 });
    this.load();
  }

  disconnectedCallback() {
    unsubscribe(this.subscription);
    releaseMessageContext(this.context);
  }

  heard(message) {
    if (message?.kind !== "statuses") return;
    try {
      this.reasons = JSON.parse(message.status);
    } catch {
      this.reasons = null;
    }
  }

  async load() {
    this.problem = "";
    try {
      this.take(await state());
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  take(told) {
    this.state = told;
    this.chosen = Object.fromEntries(told.relations.map((each) => [each.center, each.salesforce]));
  }

  get isLoading() {
    return this.state === null && this.problem === "";
  }

  get isOff() {
    return this.state !== null && !this.state.enabled;
  }

  get isOn() {
    return this.state !== null && this.state.enabled;
  }

  get hasNoPhone() {
    return this.reasons === null;
  }

  /** Contact center statuses in order; those that are gone there are kept while they are chosen for. */
  get centers() {
    const live = (this.reasons ?? []).map(({ code, name }) => ({
      value: REASON + code,
      label: filled(reasonLabel, name),
    }));
    const known = new Set(live.map((each) => each.value));
    const others = Object.keys(this.chosen)
      .filter((each) => each.startsWith(REASON) && !known.has(each))
      .map((value) => ({
        value,
        label: filled(reasonLabel, value.slice(REASON.length)),
        gone: this.reasons !== null,
      }));
    return [
      { value: "ready", label: ready },
      ...live,
      ...others,
      { value: "not_ready", label: notReady },
      { value: "occupied", label: occupied },
      { value: "wrap_up", label: wrapUp },
      { value: "offline", label: offline },
    ];
  }

  get statuses() {
    const found = this.state.statuses.map(({ name, label }) => ({ value: name, label }));
    return [...found, { value: OFFLINE, label: offline }];
  }

  get rows() {
    const words = new Map(this.statuses.map((each) => [each.value, each.label]));
    return this.centers.map((each) => {
      const picked = this.chosen[each.value] ?? "";
      const gone = picked !== "" && !words.has(picked);
      const options = [{ value: "", label: stays }, ...this.statuses];
      if (gone) options.push({ value: picked, label: picked });
      return {
        ...each,
        id: `tieline-sync-${each.value.replace(":", "-")}`,
        of: filled(ofStatus, each.label),
        options: options.map((option) => ({ ...option, selected: option.value === picked })),
        wrong: gone || each.gone === true,
        note: this.noteOf(each, picked, gone),
        noteClass: gone || each.gone ? "slds-text-color_error" : "slds-text-color_weak",
      };
    });
  }

  noteOf(each, picked, gone) {
    if (gone) return filled(goneSalesforce, picked);
    if (each.gone) return goneCenter;
    if (picked === "") return gap;
    const first = this.centerOf(picked);
    const shared =
      Object.entries(this.chosen).filter(([status, name]) => name === picked && settable(status)).length > 1;
    if (this.state.toContactCenter && shared && settable(each.value)) return filled(double, this.wordOf(first));
    return "";
  }

  wordOf(value) {
    return this.centers.find((each) => each.value === value)?.label ?? value;
  }

  /** As the softphone decides: the status itself, else any other reason. */
  salesforceOf(status) {
    return this.chosen[status] ?? (status.startsWith(REASON) ? this.chosen.not_ready : undefined) ?? "";
  }

  /** As the softphone decides: the first that an agent may choose. */
  centerOf(name) {
    return this.centers.find((each) => this.chosen[each.value] === name && settable(each.value))?.value ?? "";
  }

  get triedCenters() {
    return this.centers.map((each) => ({ ...each, selected: each.value === this.triedCenter }));
  }

  get triedStatuses() {
    return this.statuses.map((each) => ({ ...each, selected: each.value === this.triedSalesforce }));
  }

  get becomesSalesforce() {
    if (!this.state.toSalesforce) return switchedOff;
    const found = this.statuses.find((each) => each.value === this.salesforceOf(this.triedCenter));
    return filled(becomesSalesforce, found?.label ?? stays);
  }

  get becomesCenter() {
    if (!this.state.toContactCenter) return switchedOff;
    const found = this.centerOf(this.triedSalesforce || this.statuses[0].value);
    return filled(becomesCenter, found === "" ? stays : this.wordOf(found));
  }

  handleSwitch(event) {
    this.state = { ...this.state, [event.target.dataset.way]: event.target.checked };
  }

  handleChoice(event) {
    const { value, dataset } = event.target;
    const others = Object.entries(this.chosen).filter(([each]) => each !== dataset.center);
    this.chosen = Object.fromEntries(value === "" ? others : [...others, [dataset.center, value]]);
  }

  handleTryCenter(event) {
    this.triedCenter = event.target.value;
  }

  handleTrySalesforce(event) {
    this.triedSalesforce = event.target.value;
  }

  handleSetup() {
    this[NavigationMixin.Navigate]({ type: "standard__webPage", attributes: { url: SETUP } });
  }

  async handleSave() {
    this.busy = true;
    const there = new Set(this.statuses.map((each) => each.value));
    const relations = this.centers
      .filter((each) => each.gone !== true && there.has(this.chosen[each.value]))
      .map((each) => ({ center: each.value, salesforce: this.chosen[each.value] }));
    try {
      this.take(
        await save({ toSalesforce: this.state.toSalesforce, toContactCenter: this.state.toContactCenter, relations }),
      );
      this.toast("success", saved);
      settingsChanged();
    } catch (error) {
      this.toast("error", problemOf(error, { UNKNOWN: changed }));
      await this.load();
    } finally {
      this.busy = false;
    }
  }

  toast(variant, message) {
    this.dispatchEvent(new ShowToastEvent({ title: message, variant }));
  }
}
