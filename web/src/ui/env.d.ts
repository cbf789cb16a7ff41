declare module "virtual:slds/*.css";
