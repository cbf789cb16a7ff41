import { LightningElement } from "lwc";
import { createRecord, updateRecord } from "lightning/uiRecordApi";
import { ShowToastEvent } from "lightning/platformShowToastEvent";
import userId from "@salesforce/user/Id";
import locale from "@salesforce/i18n/locale";
import timeZone from "@salesforce/i18n/timeZone";
import product from "@salesforce/apex/TielineSetup.product";
import PRODUCT_SETUP from "@salesforce/schema/Tieline_Product_Setup__c";
import ACTIVATED_AT from "@salesforce/schema/Tieline_Product_Setup__c.Activated_At__c";
import ACTIVATED_BY from "@salesforce/schema/Tieline_Product_Setup__c.Activated_By__c";
import ACTIVE from "@salesforce/schema/Tieline_Product_Setup__c.Active__c";
import PRODUCT from "@salesforce/schema/Tieline_Product_Setup__c.Product__c";
import { settingsChanged } from "c/tielinePing";
import { filled, problemOf } from "c/tielineWords";
import about from "@salesforce/label/c.Tieline_Product_About";
import activate from "@salesforce/label/c.Tieline_Product_Activate";
import activated from "@salesforce/label/c.Tieline_Product_Activated";
import active from "@salesforce/label/c.Tieline_Product_Active";
import cancel from "@salesforce/label/c.Tieline_Cancel";
import deactivate from "@salesforce/label/c.Tieline_Product_Deactivate";
import deactivateAsk from "@salesforce/label/c.Tieline_Product_Deactivate_Ask";
import deactivateExplain from "@salesforce/label/c.Tieline_Product_Deactivate_Explain";
import deactivated from "@salesforce/label/c.Tieline_Product_Deactivated";
import inactive from "@salesforce/label/c.Tieline_Product_Inactive";
import loading from "@salesforce/label/c.Tieline_Loading";
import name from "@salesforce/label/c.Tieline_Product_Name";
import retry from "@salesforce/label/c.Tieline_Retry";
import viewGuide from "@salesforce/label/c.Tieline_Guide_View";
import since from "@salesforce/label/c.Tieline_Product_Since";

const NAME = "ContactCenter";

/** The product's card: whether it is active, and the switch for it. */
export default class TielineProducts extends LightningElement {
  static renderMode = "light";

  labels = { about, activate, cancel, deactivate, deactivateAsk, deactivateExplain, loading, name, retry, viewGuide };
  product = null;
  problem = "";
  busy = false;
  asking = false;
  guiding = false;

  connectedCallback() {
    this.load();
  }

  async load() {
    this.problem = "";
    try {
      this.product = await product();
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  get isLoading() {
    return this.product === null && this.problem === "";
  }

  get isActive() {
    return this.product?.active === true;
  }

  get state() {
    return this.isActive ? active : inactive;
  }

  get stateClass() {
    return this.isActive ? "slds-badge slds-theme_success" : "slds-badge";
  }

  get since() {
    const { activatedAt, activatedBy } = this.product;
    if (!this.isActive || !activatedAt) return "";
    const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone });
    return filled(since, format.format(new Date(activatedAt)), activatedBy ?? "");
  }

  /** The guide can be opened while it is closed and the product's state is known. */
  get canGuide() {
    return !this.guiding;
  }

  handleGuide() {
    this.guiding = true;
  }

  /** What the guide has kept is read, so that it goes on there the next time. */
  async closeGuide() {
    this.guiding = false;
    await this.load();
  }

  ask() {
    this.asking = true;
  }

  close() {
    this.asking = false;
  }

  async handleActivate() {
    const first = !this.product.activatedAt;
    await this.save(true);
    // Whoever activates the product for the first time goes on with its set-up.
    if (first && this.isActive) this.guiding = true;
  }

  async handleDeactivate() {
    await this.save(false);
    this.asking = false;
  }

  async save(wanted) {
    this.busy = true;
    const fields = { [ACTIVE.fieldApiName]: wanted };
    if (wanted) {
      fields[ACTIVATED_AT.fieldApiName] = new Date().toISOString();
      fields[ACTIVATED_BY.fieldApiName] = userId;
    }
    try {
      if (this.product.recordId) await updateRecord({ fields: { Id: this.product.recordId, ...fields } });
      else {
        const all = { ...fields, Name: NAME, [PRODUCT.fieldApiName]: NAME };
        await createRecord({ apiName: PRODUCT_SETUP.objectApiName, fields: all });
      }
      settingsChanged();
      await this.load();
      this.toast("success", wanted ? activated : deactivated);
    } catch (error) {
      this.toast("error", problemOf(error));
    } finally {
      this.busy = false;
    }
  }

  toast(variant, title) {
    this.dispatchEvent(new ShowToastEvent({ title, variant }));
  }
}
