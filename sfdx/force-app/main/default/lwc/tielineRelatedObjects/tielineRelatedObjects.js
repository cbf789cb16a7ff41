import { LightningElement } from "lwc";
import { ShowToastEvent } from "lightning/platformShowToastEvent";
import choice from "@salesforce/apex/TielineRelatedObjects.choice";
import save from "@salesforce/apex/TielineRelatedObjects.save";
import { settingsChanged } from "c/tielinePing";
import { filled, problemOf } from "c/tielineWords";
import actions from "@salesforce/label/c.Tieline_Actions";
import add from "@salesforce/label/c.Tieline_Related_Add";
import changed from "@salesforce/label/c.Tieline_Related_Changed";
import choose from "@salesforce/label/c.Tieline_Related_Choose";
import chooseOne from "@salesforce/label/c.Tieline_Related_Choose_One";
import down from "@salesforce/label/c.Tieline_Related_Down";
import full from "@salesforce/label/c.Tieline_Related_Full";
import gone from "@salesforce/label/c.Tieline_Related_Gone";
import intro from "@salesforce/label/c.Tieline_Related_Intro";
import loading from "@salesforce/label/c.Tieline_Loading";
import makeDefault from "@salesforce/label/c.Tieline_Related_Make_Default";
import none from "@salesforce/label/c.Tieline_Related_None";
import object from "@salesforce/label/c.Tieline_Related_Object";
import preferred from "@salesforce/label/c.Tieline_Related_Default";
import remove from "@salesforce/label/c.Tieline_Related_Remove";
import retry from "@salesforce/label/c.Tieline_Retry";
import saved from "@salesforce/label/c.Tieline_Related_Saved";
import title from "@salesforce/label/c.Tieline_Related_Title";
import up from "@salesforce/label/c.Tieline_Related_Up";

export const MOST = 10;

/** The objects whose records agents may relate a call to, their order, and the one that is offered first. */
export default class TielineRelatedObjects extends LightningElement {
  static renderMode = "light";

  labels = { actions, add, choose, chooseOne, intro, loading, none, object, preferred, retry, title };
  choice = null;
  problem = "";
  busy = false;
  picked = "";

  connectedCallback() {
    this.load();
  }

  async load() {
    this.problem = "";
    try {
      this.choice = await choice();
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  get isLoading() {
    return this.choice === null && this.problem === "";
  }

  get rows() {
    const { available, chosen, preferred: first } = this.choice;
    const words = new Map(available.map((each) => [each.name, each.label]));
    return chosen.map((name, at) => {
      const label = words.get(name) ?? name;
      return {
        name,
        id: `tieline-related-${name}`,
        label,
        note: words.has(name) ? "" : gone,
        first: name === first,
        cannotBeFirst: this.busy || !words.has(name),
        cannotRise: this.busy || at === 0,
        cannotSink: this.busy || at === chosen.length - 1,
        makeDefault: filled(makeDefault, label),
        up: filled(up, label),
        down: filled(down, label),
        remove: filled(remove, label),
      };
    });
  }

  get hasRows() {
    return this.choice.chosen.length > 0;
  }

  get choices() {
    const { available, chosen } = this.choice;
    return available
      .filter((each) => !chosen.includes(each.name))
      .map((each) => ({ ...each, selected: each.name === this.picked }))
      .sort((one, other) => one.label.localeCompare(other.label));
  }

  get cannotAdd() {
    return this.picked === "" || this.busy;
  }

  handlePick(event) {
    this.picked = event.target.value;
  }

  async handleAdd() {
    const { chosen } = this.choice;
    if (chosen.length >= MOST) {
      this.toast("error", filled(full, MOST));
      return;
    }
    if (await this.save([...chosen, this.picked])) this.picked = "";
  }

  handleRemove(event) {
    const { name } = event.target.dataset;
    this.save(this.choice.chosen.filter((each) => each !== name));
  }

  handleUp(event) {
    this.move(event.target.dataset.name, -1);
  }

  handleDown(event) {
    this.move(event.target.dataset.name, 1);
  }

  move(name, by) {
    const names = [...this.choice.chosen];
    const at = names.indexOf(name);
    [names[at], names[at + by]] = [names[at + by], names[at]];
    this.save(names);
  }

  handleDefault(event) {
    this.save(this.choice.chosen, event.target.dataset.name);
  }

  /** What the org no longer has goes with the next change. */
  async save(names, first = this.choice.preferred) {
    const there = new Set(this.choice.available.map((each) => each.name));
    const objects = names.filter((name) => there.has(name));
    this.busy = true;
    try {
      this.choice = await save({ objects, preferred: objects.includes(first) ? first : (objects[0] ?? null) });
      this.toast("success", saved);
      settingsChanged();
      return true;
    } catch (error) {
      this.toast("error", problemOf(error, { TOO_MANY: filled(full, MOST), UNKNOWN: changed }));
      await this.load();
      return false;
    } finally {
      this.busy = false;
    }
  }

  toast(variant, message) {
    this.dispatchEvent(new ShowToastEvent({ title: message, variant }));
  }
}
