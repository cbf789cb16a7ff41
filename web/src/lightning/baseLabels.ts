/** Japanese for the labels inside of base components; those without an entry are said as they are shipped. */
import { host } from "./host.ts";

const JA: Readonly<Record<string, string>> = {
  "LightningButtonMenu.loading": "メニューを読み込み中",
  "LightningButtonMenu.showMenu": "メニューを表示",
  "LightningCombobox.loadingText": "読み込み中",
  "LightningCombobox.placeholder": "選択してください",
  "LightningControl.clear": "クリア",
  "LightningControl.loading": "読み込み中",
  "LightningControl.required": "必須",
  "LightningControl.active": "有効",
  "LightningControl.inactive": "無効",
  "LightningControl.activeCapitalized": "有効",
  "LightningControl.inactiveCapitalized": "無効",
  "LightningErrorMessage.validityValueMissing": "この項目を入力してください。",
  "LightningErrorMessage.validityTooLong": "入力が長すぎます。",
  "LightningHelptext.buttonAlternativeText": "ヘルプ",
  "LightningInput.helptextAlternativeText": "ヘルプ",
  "LightningProgressIndicator.stageComplete": "完了",
  "LightningProgressIndicator.stageNotStarted": "未着手",
  "LightningTabs.defaultTabBarAriaLabel": "タブ",
  "LightningTabs.overflowMore": "その他",
  "LightningTabs.overflowMoreAlternativeText": "その他のタブ",
  "LightningTabs.overflowMoreTitle": "その他のタブ",
};

/** The text of a base component's label for the user; `english` is the one that is shipped. */
export const baseLabel = (name: string, english: string): string =>
  host().language.startsWith("ja") ? (JA[name] ?? english) : english;
