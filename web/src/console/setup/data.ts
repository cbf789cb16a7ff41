/** What Set-up asks its org, by subject; the shapes are those of the server's doors. */
import { request } from "../data/client.ts";
import type { SoftphoneLayout, UtilityItem } from "../data/types.ts";

const AT = "/console/api/setup";
const id = encodeURIComponent;

export interface Person {
  id: string;
  name: string;
  first_name: string | null;
  last_name: string | null;
  username: string;
  email: string;
  alias: string;
  active: boolean;
  profile: string;
  role: string | null;
}

// -- call centers

export interface DefinitionItem {
  name: string;
  label: string | null;
  value: string;
}

export interface DefinitionSection {
  name: string;
  label: string | null;
  items: DefinitionItem[];
}

export interface CallCenterRow {
  id: string;
  internal_name: string;
  display_name: string;
  adapter_url: string | null;
  created_at: string;
  modified_at: string;
  user_ids: string[];
  foreign_host: boolean;
}

export interface CallCenterDetail extends Omit<CallCenterRow, "user_ids" | "foreign_host"> {
  created_by: string | null;
  modified_by: string | null;
  sections: DefinitionSection[];
  label: string | null;
  internal_label: string | null;
  display_label: string | null;
  corrections: string[];
  users: Person[];
}

export interface Criterion {
  field: string;
  operator: string;
  value: string;
}

export const callCenters = {
  list: () =>
    request<{ call_centers: CallCenterRow[] }>(`${AT}/call-centers`).then((each) => each.call_centers),
  show: (key: string) => request<CallCenterDetail>(`${AT}/call-centers/${id(key)}`),
  import: (file: Blob) => request<{ id: string }>(`${AT}/call-centers/import`, { method: "POST", file }),
  change: (
    key: string,
    body: { display_name?: string; adapter_url?: string; values?: Record<string, string> },
  ) => request(`${AT}/call-centers/${id(key)}`, { method: "PATCH", body }),
  clone: (key: string, body: { internal_name: string; display_name: string }) =>
    request<{ id: string }>(`${AT}/call-centers/${id(key)}/clone`, { method: "POST", body }),
  remove: (key: string) => request(`${AT}/call-centers/${id(key)}`, { method: "DELETE" }),
  definition: (key: string) => `${AT}/call-centers/${id(key)}/definition`,
  candidates: (criteria: Criterion[]) =>
    request<{ users: Person[]; has_more: boolean }>(`${AT}/call-centers/candidates`, {
      method: "POST",
      body: { criteria },
    }),
  addUsers: (key: string, user_ids: string[]) =>
    request(`${AT}/call-centers/${id(key)}/users`, { method: "POST", body: { user_ids } }),
  removeUsers: (key: string, user_ids: string[]) =>
    request(`${AT}/call-centers/${id(key)}/users/remove`, { method: "POST", body: { user_ids } }),
  moveUsers: (key: string, user_ids: string[], to: string) =>
    request(`${AT}/call-centers/${id(key)}/users/move`, { method: "POST", body: { user_ids, to } }),
};

// -- softphone layouts

export interface LayoutRow {
  id: string;
  name: string;
  is_default: boolean;
  layout: SoftphoneLayout;
  created_at: string;
  modified_at: string;
  created_by: string | null;
  modified_by: string | null;
}

export interface LayoutObject {
  name: string;
  label: string;
  fields: { name: string; label: string }[];
}

interface LayoutBody {
  name: string;
  is_default: boolean;
  layout: SoftphoneLayout;
}

export const softphoneLayouts = {
  list: () => request<{ layouts: LayoutRow[]; objects: LayoutObject[] }>(`${AT}/softphone-layouts`),
  create: (body: LayoutBody) => request<{ id: string }>(`${AT}/softphone-layouts`, { method: "POST", body }),
  change: (key: string, body: LayoutBody) =>
    request<{ id: string }>(`${AT}/softphone-layouts/${id(key)}`, { method: "PUT", body }),
  remove: (key: string) => request(`${AT}/softphone-layouts/${id(key)}`, { method: "DELETE" }),
  assignment: () =>
    request<{ profiles: { id: string; name: string; layout: string | null }[] }>(
      `${AT}/softphone-layouts/assignment`,
    ).then((each) => each.profiles),
  assign: (profiles: Record<string, string | null>) =>
    request(`${AT}/softphone-layouts/assignment`, { method: "PUT", body: { profiles } }),
};

// -- users, profiles, roles, permission sets

export interface UserRow extends Omit<Person, "role"> {
  frozen: boolean;
  language: string;
  role_name: string | null;
  last_login: string | null;
  call_center: string | null;
  call_center_name: string | null;
}

export interface UserDetail extends UserRow {
  locale: string;
  time_zone: string;
  title: string | null;
  department: string | null;
  company: string | null;
  phone: string | null;
  mobile_phone: string | null;
  extension: string | null;
  federation_id: string | null;
  role: string | null;
  permission_sets: { assignment_id: string; id: string; label: string; name: string }[];
  logins: { at: string; kind: string; status: string; address: string }[];
  created_at: string;
  modified_at: string;
  own: boolean;
}

export interface UserChoices {
  profiles: string[];
  roles: { id: string; name: string }[];
  languages: string[];
  call_centers: { id: string; name: string }[];
}

export interface ProfileRow {
  id: string;
  name: string;
  description: string | null;
  permission_set: string | null;
  users: number;
}

export interface RoleRow {
  id: string;
  name: string;
  developer_name: string | null;
  parent: string | null;
  users: number;
}

export const people = {
  list: () => request<{ users: UserRow[] }>(`${AT}/users`).then((each) => each.users),
  show: (key: string) => request<UserDetail>(`${AT}/users/${id(key)}`),
  choices: () => request<UserChoices>(`${AT}/users/choices`),
  create: (body: Record<string, unknown>) => request<{ id: string }>(`${AT}/users`, { method: "POST", body }),
  change: (key: string, body: Record<string, unknown>) =>
    request(`${AT}/users/${id(key)}`, { method: "PATCH", body }),
  freeze: (key: string, frozen: boolean) =>
    request(`${AT}/users/${id(key)}/freeze`, { method: "POST", body: { frozen } }),
  profiles: () => request<{ profiles: ProfileRow[] }>(`${AT}/profiles`).then((each) => each.profiles),
  roles: () => request<{ roles: RoleRow[] }>(`${AT}/roles`).then((each) => each.roles),
  saveRole: (key: string | null, body: { name: string; developer_name: string; parent: string | null }) =>
    key === null
      ? request(`${AT}/roles`, { method: "POST", body })
      : request(`${AT}/roles/${id(key)}`, { method: "PATCH", body }),
  removeRole: (key: string) => request(`${AT}/roles/${id(key)}`, { method: "DELETE" }),
};

export interface SetRow {
  id: string;
  label: string;
  name: string;
  description: string | null;
  namespace: string | null;
  users: number;
}

export const RIGHTS = ["Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords"] as const;
export type Right = (typeof RIGHTS)[number];

export interface OpenedObject extends Record<Right, boolean> {
  name: string;
  label: string;
  /** False for objects of which only fields are opened. */
  grantable: boolean;
  field_count: number;
}

export interface OpenedField {
  name: string;
  label: string;
  read: boolean;
  edit: boolean;
  writable: boolean;
}

export type TabVisibility = "None" | "Available" | "Visible";

export interface SetDetail extends Omit<SetRow, "users"> {
  owned_by_profile: boolean;
  /** True where this user may change it: it belongs to no profile and no package. */
  editable: boolean;
  permissions: { name: string; label: string; held: boolean }[];
  call_centers: { id: string; name: string; users: number }[];
  objects: OpenedObject[];
  custom_settings: OpenedObject[];
  custom_metadata: OpenedObject[];
  tabs: { name: string; label: string; visibility: TabVisibility }[];
  /** Of the object that was asked for. */
  fields: OpenedField[];
}

export interface Assignee extends Pick<
  Person,
  "id" | "name" | "first_name" | "last_name" | "username" | "active" | "profile"
> {
  expires_at: string | null;
}

export const permissionSets = {
  list: () =>
    request<{ permission_sets: SetRow[] }>(`${AT}/permission-sets`).then((each) => each.permission_sets),
  show: (key: string, object = "") =>
    request<SetDetail>(`${AT}/permission-sets/${id(key)}?object=${id(object)}`),
  create: (body: { label: string; name: string; description: string }) =>
    request<{ id: string }>(`${AT}/permission-sets`, { method: "POST", body }),
  change: (
    key: string,
    body: {
      label?: string;
      description?: string;
      permissions?: Record<string, boolean>;
      objects?: Record<string, Partial<Record<Right, boolean>>>;
      fields?: Record<string, { read: boolean; edit: boolean }>;
      tabs?: Record<string, TabVisibility>;
    },
  ) => request(`${AT}/permission-sets/${id(key)}`, { method: "PATCH", body }),
  remove: (key: string) => request(`${AT}/permission-sets/${id(key)}`, { method: "DELETE" }),
  assignments: (key: string) =>
    request<{ assigned: Assignee[]; others: Assignee[] }>(`${AT}/permission-sets/${id(key)}/assignments`),
  assign: (key: string, user_ids: string[], expires_at: string | null) =>
    request(`${AT}/permission-sets/${id(key)}/assignments`, {
      method: "POST",
      body: { user_ids, expires_at },
    }),
  unassign: (key: string, user_ids: string[]) =>
    request(`${AT}/permission-sets/${id(key)}/assignments/remove`, { method: "POST", body: { user_ids } }),
};

// -- apps and the org

export interface AppRow {
  client_id: string;
  /** Of the managed package that defines the app; only its policies are the org's own. */
  namespace: string | null;
  name: string;
  label: string;
  kind: string;
  users: number;
  used_at: string | null;
  scopes: string[];
  callbacks: string[];
  permitted: string;
  refresh_policy: string;
  pkce_required: boolean;
  has_secret: boolean;
  profiles: string[];
  permission_sets: string[];
}

export interface AppUser {
  id: string;
  username: string;
  name: string;
  first_used: string;
  used_at: string;
  grants: number;
}

export interface Login {
  at: string;
  username: string;
  kind: string;
  status: string;
  address: string;
  app: string | null;
}

export interface Change {
  at: string;
  user: string | null;
  username: string | null;
  section: string;
  action: string;
  detail: { name?: string; on?: string; value?: string; fields?: string[] };
}

export interface Company {
  id: string;
  name: string;
  edition: string | null;
  instance: string | null;
  language: string;
  locale: string;
  time_zone: string;
  created_at: string;
  active_users: number;
  users: number;
  storage: { label: string; records: number; kb: number }[];
  storage_mb: number;
  api_used: number;
  api_maximum: number;
  api_hours: { hour: string; requests: number }[];
}

export const org = {
  apps: () => request<{ apps: AppRow[] }>(`${AT}/apps`).then((each) => each.apps),
  appUsers: (key: string) =>
    request<{ users: AppUser[] }>(`${AT}/apps/${id(key)}/users`).then((each) => each.users),
  revoke: (key: string, user: string | null) =>
    request(`${AT}/apps/${id(key)}${user === null ? "" : `/users/${id(user)}`}/tokens`, { method: "DELETE" }),
  createApp: (body: Record<string, unknown>) =>
    request<{ client_id: string; client_secret: string }>(`${AT}/apps`, { method: "POST", body }),
  changeApp: (key: string, body: Record<string, unknown>) =>
    request<{ client_secret?: string }>(`${AT}/apps/${id(key)}`, { method: "PATCH", body }),
  removeApp: (key: string) => request(`${AT}/apps/${id(key)}`, { method: "DELETE" }),
  logins: () => request<{ logins: Login[] }>(`${AT}/login-history`).then((each) => each.logins),
  changes: () => request<{ changes: Change[] }>(`${AT}/audit-trail`).then((each) => each.changes),
  company: () => request<Company>(`${AT}/company`),
  putUtilityItems: (items: UtilityItem[]) => request(`${AT}/utility-items`, { method: "PUT", body: items }),
};

// -- Omni-Channel

export interface StatusRow {
  id: string;
  label: string;
  name: string;
  channels: string[];
  open_to: string[];
}

export interface ChannelRow {
  id: string;
  label: string;
  name: string;
  object: string;
}

export interface ConfigurationRow {
  id: string;
  label: string;
  name: string;
  capacity: number;
  options: Record<string, boolean>;
  on_decline: string | null;
  on_timeout: string | null;
  given_to: string[];
}

/** Makes (no key) or replaces one record of Omni-Channel's set-up. */
const put = (path: string, key: string | null, body: unknown) =>
  key === null
    ? request(`${AT}/omni/${path}`, { method: "POST", body })
    : request(`${AT}/omni/${path}/${id(key)}`, { method: "PUT", body });

export const omni = {
  settings: () => request<{ enabled: boolean }>(`${AT}/omni/settings`),
  change: (enabled: boolean) => request(`${AT}/omni/settings`, { method: "PUT", body: { enabled } }),
  statuses: () =>
    request<{
      statuses: StatusRow[];
      channels: { id: string; label: string }[];
      sets: { id: string; label: string; profile: boolean }[];
    }>(`${AT}/omni/statuses`),
  saveStatus: (key: string | null, body: Omit<StatusRow, "id">) => put("statuses", key, body),
  channels: () =>
    request<{ channels: ChannelRow[]; objects: { name: string; label: string }[] }>(`${AT}/omni/channels`),
  saveChannel: (key: string | null, body: Omit<ChannelRow, "id">) => put("channels", key, body),
  removeChannel: (key: string) => request(`${AT}/omni/channels/${id(key)}`, { method: "DELETE" }),
  configurations: () =>
    request<{
      configurations: ConfigurationRow[];
      parents: { id: string; label: string; profile: boolean }[];
    }>(`${AT}/omni/configurations`),
  saveConfiguration: (key: string | null, body: Omit<ConfigurationRow, "id">) =>
    put("configurations", key, body),
};

// -- object manager

export interface ObjectRow {
  name: string;
  label: string;
  plural: string;
  kind: string;
  custom: boolean;
  key_prefix: string;
  fields: number;
}

export interface FieldInfo {
  name: string;
  label: string;
  type: string;
  length: number | null;
  precision: number | null;
  scale: number;
  required: boolean;
  unique: boolean;
  external_id: boolean;
  custom: boolean;
  references: string[];
  values: { value: string; label: string; default: boolean }[];
}

export interface ObjectDetail extends ObjectRow {
  field_list: FieldInfo[];
  layout: { label: string; fields: string[] }[];
  rules: { name: string; active: boolean; formula: string; message: string; field: string | null }[];
}

export const objects = {
  list: () => request<{ objects: ObjectRow[] }>(`${AT}/objects`).then((each) => each.objects),
  show: (name: string) => request<ObjectDetail>(`${AT}/objects/${id(name)}`),
};

// -- Lightning apps

/** A utility item as an app says it; what is null is the kind's, or of the softphone's size the call center's. */
export interface UtilitySettings {
  type: string;
  label?: string | null;
  icon?: string | null;
  width?: number | null;
  height?: number | null;
  auto_start?: boolean | null;
}

export interface UtilityKind {
  type: string;
  label: string;
  icon: string;
  width: number;
  height: number;
  auto_start: boolean;
}

export interface LightningApp {
  name: string;
  label: string;
  description: string;
  nav_type: string;
  items: string[];
  utility_items: UtilitySettings[];
}

export const lightningApps = {
  list: () =>
    request<{
      apps: LightningApp[];
      utilities: UtilityKind[];
      tabs: { name: string; label: string | null }[];
    }>(`${AT}/lightning-apps`),
  change: (name: string, body: Partial<Pick<LightningApp, "label" | "items" | "utility_items">>) =>
    request(`${AT}/lightning-apps/${id(name)}`, { method: "PATCH", body }),
};

// -- installed packages

export interface PackageRow {
  id: string;
  name: string;
  namespace: string | null;
  publisher: string | null;
  version: string;
  description: string | null;
  installed_at: string;
  changed_at: string;
  installed_by: string | null;
}

export interface PackageDetail extends PackageRow {
  components: { type: string; name: string }[];
  /** Records and values that go with the package's objects and fields. */
  data: { name: string; count: number }[];
}

export interface PackageRequest {
  id: string;
  status: "IN_PROGRESS" | "SUCCESS" | "ERROR";
  problems: string[];
}

export const packages = {
  list: () => request<{ packages: PackageRow[] }>(`${AT}/packages`).then((each) => each.packages),
  show: (key: string) => request<PackageDetail>(`${AT}/packages/${id(key)}`),
  uninstall: (key: string, with_data: boolean) =>
    request<PackageRequest>(`${AT}/packages/${id(key)}`, { method: "DELETE", body: { with_data } }),
  request: (key: string) => request<PackageRequest>(`${AT}/packages/requests/${id(key)}`),
};
