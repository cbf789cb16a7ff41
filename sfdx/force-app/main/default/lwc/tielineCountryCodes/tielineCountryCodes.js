import { LightningElement } from "lwc";
import { ShowToastEvent } from "lightning/platformShowToastEvent";
import countryCodes from "@salesforce/apex/TielineSettings.countryCodes";
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
const separator = () => (/^ja/.test(document.documentElement.lang) ? "、" : ", ");

/** The dialling codes by which callers' numbers are looked up. */
export default class TielineCountryCodes extends LightningElement {
  static renderMode = "light";

  labels = { actions, add, cancel, code, country: countryLabel, intro, loading, nothing, retry, search, title };
  codes = null;
  problem = "";
  busy = false;
  adding = false;
  text = "";
  picked = [];
  told = "";

  connectedCallback() {
    this.load();
  }

  async load() {
    this.problem = "";
    try {
      this.codes = await countryCodes();
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  get isLoading() {
    return this.codes === null && this.problem === "";
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
      settingsChanged();
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
