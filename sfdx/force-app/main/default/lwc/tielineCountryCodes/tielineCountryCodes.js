import { LightningElement } from "lwc";
import { ShowToastEvent } from "lightning/platformShowToastEvent";
import locale from "@salesforce/i18n/locale";
import countryCodes from "@salesforce/apex/TielineSettings.countryCodes";
import phoneIndex from "@salesforce/apex/TielineSettings.phoneIndex";
import saveCountryCodes from "@salesforce/apex/TielineSettings.saveCountryCodes";
import { countries, countriesOf } from "c/tielineCountries";
import { settingsChanged } from "c/tielinePing";
import { filled, problemOf } from "c/tielineWords";
import actions from "@salesforce/label/c.Tieline_Actions";
import add from "@salesforce/label/c.Tieline_Codes_Add";
import addCount from "@salesforce/label/c.Tieline_Codes_Add_Count";
import cancel from "@salesforce/label/c.Tieline_Cancel";
import code from "@salesforce/label/c.Tieline_Codes_Code";
import countryLabel from "@salesforce/label/c.Tieline_Codes_Country";
import covers from "@salesforce/label/c.Tieline_Codes_Covers";
import duplicate from "@salesforce/label/c.Tieline_Codes_Duplicate";
import full from "@salesforce/label/c.Tieline_Codes_Full";
import intro from "@salesforce/label/c.Tieline_Codes_Intro";
import indexLoading from "@salesforce/label/c.Tieline_Index_Loading";
import indexLoadingUnknown from "@salesforce/label/c.Tieline_Index_Loading_Unknown";
import indexNotAuthorized from "@salesforce/label/c.Tieline_Index_Not_Authorized";
import indexNotConnected from "@salesforce/label/c.Tieline_Index_Not_Connected";
import indexReady from "@salesforce/label/c.Tieline_Index_Ready";
import indexReadyCount from "@salesforce/label/c.Tieline_Index_Ready_Count";
import indexTitle from "@salesforce/label/c.Tieline_Index_Title";
import indexUnreachable from "@salesforce/label/c.Tieline_Index_Unreachable";
import indexWaiting from "@salesforce/label/c.Tieline_Index_Waiting";
import listed from "@salesforce/label/c.Tieline_Codes_Listed";
import loading from "@salesforce/label/c.Tieline_Loading";
import more from "@salesforce/label/c.Tieline_Codes_More";
import nothing from "@salesforce/label/c.Tieline_Codes_Nothing";
import removeLabel from "@salesforce/label/c.Tieline_Codes_Remove";
import removeLast from "@salesforce/label/c.Tieline_Codes_Remove_Last";
import retry from "@salesforce/label/c.Tieline_Retry";
import saved from "@salesforce/label/c.Tieline_Codes_Saved";
import search from "@salesforce/label/c.Tieline_Codes_Search";
import title from "@salesforce/label/c.Tieline_Codes_Title";
import used from "@salesforce/label/c.Tieline_Codes_Used";

export const MOST = 20;
const SHOWN_COUNTRIES = 2;
const ASK_MS = 1000;
/** So often quickly, then slowly: a large org takes long, and one whose contact center does not answer longer. */
const QUICK_TURNS = 60;
const SLOW_MS = 5000;
const MOST_TURNS = 1000;
const separator = () => (/^ja/.test(document.documentElement.lang) ? "、" : ", ");

/** The dialling codes by which callers' numbers are looked up. */
export default class TielineCountryCodes extends LightningElement {
  static renderMode = "light";

  labels = { actions, add, cancel, code, country: countryLabel, index: indexTitle, intro, loading, nothing, retry, search, title };
  codes = null;
  problem = "";
  busy = false;
  adding = false;
  text = "";
  picked = [];
  told = "";
  index = null;
  timer = null;

  connectedCallback() {
    this.load();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  async load() {
    this.problem = "";
    try {
      this.codes = await countryCodes();
      this.follow(0);
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  get isLoading() {
    return this.codes === null && this.problem === "";
  }

  /** Asks the contact center how far it is with these codes, until it is done. */
  async follow(turn) {
    clearTimeout(this.timer);
    const codes = this.codes;
    const found = await phoneIndex().catch(() => ({ reason: "UNREACHABLE" }));
    if (!this.isConnected || codes !== this.codes) return;
    this.index = found;
    const asksAgain = found.reason ? found.reason === "UNREACHABLE" : !this.isIndexed;
    if (!asksAgain || turn >= MOST_TURNS) return;
    const quick = !found.reason && turn < QUICK_TURNS;
    // eslint-disable-next-line @lwc/lwc/no-async-operation -- nothing tells a page of the org that the index has moved
    this.timer = setTimeout(() => this.follow(turn + 1), quick ? ASK_MS : SLOW_MS);
  }

  /** Whether the contact center reads numbers with the codes that are saved here. */
  get hasCodes() {
    return [...(this.index?.codes ?? [])].sort().join() === [...this.codes].sort().join();
  }

  get isIndexed() {
    return this.hasCodes && this.index.state === "ready";
  }

  get indexed() {
    const found = this.index;
    if (!found) return "";
    if (found.reason === "NOT_AUTHORIZED" || found.reason === "NO_PRINCIPAL") return indexNotAuthorized;
    if (found.reason === "NOT_CONNECTED") return indexNotConnected;
    if (found.reason) return indexUnreachable;
    if (!this.hasCodes) return indexWaiting;
    const number = (count) => new Intl.NumberFormat(locale).format(count);
    if (found.state === "ready") return found.loaded ? filled(indexReadyCount, number(found.loaded)) : indexReady;
    return found.total === null
      ? filled(indexLoadingUnknown, number(found.loaded))
      : filled(indexLoading, number(found.loaded), number(Math.max(found.total, found.loaded)));
  }

  /** Whether there is a part of a whole to be shown as a bar. */
  get isMeasured() {
    return !!this.index && !this.index.reason && this.hasCodes && !this.isIndexed && this.index.total > 0;
  }

  get rows() {
    return (this.codes ?? []).map((each) => {
      const found = countriesOf(each);
      const shown = found.slice(0, SHOWN_COUNTRIES).map((country) => country.name);
      const names = shown.join(separator());
      return {
        code: each,
        plus: `+${each}`,
        country: found[0]?.country ?? "",
        names: found.length > SHOWN_COUNTRIES ? filled(more, names, found.length - SHOWN_COUNTRIES) : names,
        remove: filled(removeLabel, `+${each}`),
      };
    });
  }

  get used() {
    return filled(used, this.codes?.length ?? 0, MOST);
  }

  get choices() {
    const wanted = this.text.trim().toLowerCase().replace(/^\+/, "");
    const has = new Set(this.codes ?? []);
    return countries()
      .filter(
        (each) =>
          wanted === "" ||
          each.name.toLowerCase().includes(wanted) ||
          each.country.toLowerCase() === wanted ||
          each.code.startsWith(wanted),
      )
      .map((each) => ({
        ...each,
        key: each.country,
        plus: `+${each.code}`,
        listed: has.has(each.code),
        note: has.has(each.code) ? listed : "",
        checked: has.has(each.code) || this.picked.includes(each.country),
      }));
  }

  get hasChoices() {
    return this.choices.length > 0;
  }

  get addLabel() {
    return this.picked.length === 0 ? add : filled(addCount, this.picked.length);
  }

  get cannotAdd() {
    return this.picked.length === 0 || this.busy;
  }

  open() {
    this.text = "";
    this.picked = [];
    this.told = "";
    this.adding = true;
  }

  close() {
    this.adding = false;
  }

  handleSearch(event) {
    this.text = event.target.value;
  }

  handlePick(event) {
    const { country, code: picked } = event.target.dataset;
    this.told = "";
    if (!event.target.checked) {
      this.picked = this.picked.filter((each) => each !== country);
      return;
    }
    const twin = countriesOf(picked).find((each) => this.picked.includes(each.country));
    if (twin !== undefined) this.told = filled(duplicate, `+${picked}`, twin.name);
    else if ((this.codes?.length ?? 0) + this.picked.length >= MOST) this.told = filled(full, MOST);
    if (this.told === "") this.picked = [...this.picked, country];
    else event.target.checked = false;
  }

  async handleAdd() {
    const added = this.picked.map((each) => countries().find((known) => known.country === each).code);
    if (await this.save([...this.codes, ...added])) this.close();
  }

  handleRemove(event) {
    const gone = event.target.dataset.code;
    if (this.codes.length === 1) {
      this.toast("error", removeLast);
      return;
    }
    this.save(this.codes.filter((each) => each !== gone));
  }

  async save(codes) {
    this.busy = true;
    try {
      this.codes = await saveCountryCodes({ codes });
      this.toast("success", saved);
      this.index = this.index?.reason ? this.index : { ...this.index, codes: [] };
      settingsChanged().finally(() => this.follow(0));
      return true;
    } catch (error) {
      this.told = problemOf(error, { TOO_MANY: filled(full, MOST), DUPLICATE: filled(covers), NONE: removeLast });
      if (!this.adding) this.toast("error", this.told);
      return false;
    } finally {
      this.busy = false;
    }
  }

  toast(variant, message) {
    this.dispatchEvent(new ShowToastEvent({ title: message, variant }));
  }
}
