/** What the org answers: the console's own doors, and the parts of REST that the console reads. */

/** A record: field values by API name; REST adds `attributes`, lists add parents by relationship name. */
export type Row = Record<string, unknown>;

export interface ObjectInfo {
  name: string;
  label: string;
  labelPlural: string;
  keyPrefix: string | null;
  createable: boolean;
  /** Whether the app launcher lists it. */
  hasTab: boolean;
}

export interface User {
  id: string;
  name: string;
  first_name: string | null;
  last_name: string | null;
  username: string;
  email: string;
  language: string;
  locale: string;
  time_zone: string;
  profile: string;
  /** User permissions by API name. */
  permissions: string[];
}

export interface CallCenter {
  id: string;
  internal_name: string;
  display_name: string;
  adapter_url: string;
  settings: Record<string, string>;
}

export interface UtilityItem {
  type: string;
  label: string;
  icon: string;
  width: number;
  height: number;
  auto_start: boolean;
}

/** A Lightning app: what its navigation bar and its utility bar hold. */
export interface AppInfo {
  id: string;
  name: string;
  label: string;
  description: string;
  nav_type: "Console" | "Standard";
  /** `home`, the name of an object, or `tab:` and that of a custom tab. */
  items: string[];
  utility_items: UtilityItem[];
}

export interface ScreenPopSetting {
  screenPopType?: string;
  screenPopData?: string;
}

export interface LayoutSection {
  callRelatedFields?: string[];
  objects?: Record<string, { displayName: string; apiName: string }[]>;
  screenPopSettings?: {
    screenPopsOpenWithin?: string;
    NoMatch?: ScreenPopSetting;
    SingleMatch?: ScreenPopSetting;
    MultipleMatches?: ScreenPopSetting;
  };
}

export type SoftphoneLayout = Partial<Record<"Inbound" | "Outbound" | "Internal", LayoutSection>>;

export interface Bootstrap {
  csrf_token: string;
  org: { id: string; name: string; label: string };
  user: User;
  call_center: CallCenter | null;
  softphone_layout: SoftphoneLayout | null;
  utility_items: UtilityItem[];
  apps: AppInfo[];
  /** Name of the app in use. */
  app: string;
  /** Custom tabs of components that the user may open. */
  tabs: { name: string; label: string; components: string[] }[];
  session_expires_at: string | null;
  objects: {
    name: string;
    label: string;
    label_plural: string;
    key_prefix: string | null;
    createable: boolean;
    has_tab: boolean;
  }[];
}

export interface PicklistValue {
  value: string;
  label: string;
  active: boolean;
  defaultValue: boolean;
}

export interface Field {
  name: string;
  label: string;
  type: string;
  length: number;
  nillable: boolean;
  createable: boolean;
  updateable: boolean;
  defaultedOnCreate: boolean;
  calculated?: boolean;
  custom: boolean;
  compoundFieldName?: string | null;
  defaultValue?: unknown;
  nameField?: boolean;
  referenceTo: string[];
  relationshipName: string | null;
  picklistValues: PicklistValue[];
  restrictedPicklist?: boolean;
  inlineHelpText?: string | null;
  precision?: number;
  scale?: number;
}

export interface Describe {
  name: string;
  label: string;
  labelPlural: string;
  keyPrefix: string | null;
  createable: boolean;
  updateable: boolean;
  fields: Field[];
  recordTypeInfos?: RecordTypeInfo[];
}

export interface RecordTypeInfo {
  recordTypeId: string;
  name: string;
  developerName: string;
  active: boolean;
  available: boolean;
  master: boolean;
}

/** A section of a page. Only a deployed layout has columns; then an empty name is a place left empty. */
export interface LayoutPart {
  label: string;
  fields: string[];
  columns?: number;
  required?: string[];
  readonly?: string[];
}

/** By field: the values that a record's type offers, where it narrows them. */
export type Picklists = Record<string, { value: string; label: string; default: boolean }[]>;

export interface RecordView {
  object: string;
  label: string;
  record: Row;
  /** The state of the record; a save names it, so that nobody's change is overwritten unseen. */
  version: string | null;
  fields: LayoutPart[];
  picklists: Picklists;
  highlights: string[];
  references: Record<string, ReferenceInfo>;
  record_type: { id: string; name: string } | null;
  path: PathInfo | null;
  related: RelatedInfo[];
  can_edit: boolean;
  can_delete: boolean;
  can_change_owner: boolean;
  can_merge: boolean;
  can_convert: boolean;
  /** True where activities may be logged on it. */
  can_log: boolean;
}

/** A picklist that a record walks along. */
export interface PathInfo {
  field: string;
  label: string;
  steps: PathStep[];
}

export interface PathStep {
  value: string;
  label: string;
  kind: "open" | "closed" | "won" | "lost" | "converted";
}

export interface FieldHead {
  api_name: string;
  label: string;
  type: string;
}

/** A related list before its rows are there. */
export interface RelatedInfo {
  name: string;
  label: string;
  object: string;
  object_label: string;
  /** The field of its records that points here. */
  field: string;
  can_create: boolean;
  columns: FieldHead[];
}

export interface RelatedRows extends RelatedInfo {
  records: (Row & { Id: string })[];
  references: Record<string, ReferenceInfo>;
  has_more: boolean;
}

/** A record shown beside others that may be the same. */
export interface Alike {
  id: string;
  object: string;
  label: string;
  record: Row;
  references: Record<string, ReferenceInfo>;
  columns: FieldHead[];
}

/** A record that another one points to; people have the parts of their name beside it. */
export interface ReferenceInfo {
  name: string | null;
  object: string;
  FirstName?: string | null;
  LastName?: string | null;
}

export interface ListColumn {
  api_name: string;
  label: string;
  type: string;
  sortable: boolean;
}

export interface ListPage {
  records: Row[];
  columns: ListColumn[];
  /** Counted up to 2,000; `more_than` says that there are more. */
  total: number;
  more_than: boolean;
  has_more: boolean;
  sort: string;
  descending: boolean;
  /** Null: what was seen last. */
  view: ListView | null;
}

export interface ListCondition {
  field: string;
  operator: string;
  values: string[];
}

export interface ListView {
  id: string;
  name: string;
  label: string;
  scope: "everything" | "mine";
  columns: string[];
  conditions: ListCondition[];
  logic: string;
  sort: string;
  descending: boolean;
  public: boolean;
  standard: boolean;
  mine: boolean;
  may_change: boolean;
}

export interface ListViews {
  views: ListView[];
  /** Id of the view that opens first, `recent`, or null. */
  pinned: string | null;
  may_share: boolean;
}

/** A field as a list view may show it and be filtered by it. */
export interface ListField extends ListColumn {
  operators: string[];
  picklist: { value: string; label: string }[];
}

/** One activity of a timeline: a Task's fields, and the names of what it points to. */
export interface Activity extends Row {
  Id: string;
  Subject: string | null;
  CreatedDate: string;
}

export interface TimelinePage {
  /** Open tasks and events to come, the nearest first; only of the first page. */
  upcoming: Activity[];
  records: Activity[];
  has_more: boolean;
}

export interface SearchHit extends Row {
  Id: string;
}

export interface SearchGroup {
  object: string;
  label: string;
  label_plural: string;
  records: SearchHit[];
  has_more: boolean;
}

export interface Recent {
  id: string;
  object: string;
  name: string | null;
  viewed_at: string;
  first_name?: string | null;
  last_name?: string | null;
}

export interface Change {
  object: string;
  id: string;
  kind: "created" | "updated" | "deleted" | "undeleted" | "activity";
}
