import { LightningElement } from "lwc";
import access from "@salesforce/label/c.Tieline_Access_Title";
import codes from "@salesforce/label/c.Tieline_Codes_Title";
import sync from "@salesforce/label/c.Tieline_Sync_Title";
import settings from "@salesforce/label/c.Tieline_Settings";
import product from "@salesforce/label/c.Tieline_Product_Name";
import products from "@salesforce/label/c.Tieline_Products";
import related from "@salesforce/label/c.Tieline_Related_Title";

/** The settings tab: one tab for each subject. */
export default class TielineSettings extends LightningElement {
  static renderMode = "light";

  labels = { access, codes, product, products, related, settings, sync };
  tab = "products";

  /** A part of one tab leads to another one. */
  handleTab(event) {
    this.tab = event.detail;
  }

  handleActive(event) {
    this.tab = event.target.value;
  }
}
