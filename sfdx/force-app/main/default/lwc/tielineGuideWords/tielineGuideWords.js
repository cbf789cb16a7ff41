/** What the set-up guide says of its steps: title, what to do, and a sentence for each code of a step. */
import anyNotAuthorized from "@salesforce/label/c.Tieline_Guide_Any_Not_Authorized";
import anyNotConnected from "@salesforce/label/c.Tieline_Guide_Any_Not_Connected";
import anyNotInstalled from "@salesforce/label/c.Tieline_Guide_Any_Not_Installed";
import anyUnknown from "@salesforce/label/c.Tieline_Guide_Any_Unknown";
import authorize from "@salesforce/label/c.Tieline_Guide_Authorize";
import authorizeDo from "@salesforce/label/c.Tieline_Guide_Authorize_Do";
import authorizeNoPrincipal from "@salesforce/label/c.Tieline_Guide_Authorize_No_Principal";
import authorizeNotAuthorized from "@salesforce/label/c.Tieline_Guide_Authorize_Not_Authorized";
import authorizeNotInstalled from "@salesforce/label/c.Tieline_Guide_Authorize_Not_Installed";
import authorizeOk from "@salesforce/label/c.Tieline_Guide_Authorize_Ok";
import authorizeRefused from "@salesforce/label/c.Tieline_Guide_Authorize_Refused";
import authorizeUnreachable from "@salesforce/label/c.Tieline_Guide_Authorize_Unreachable";
import callCenter from "@salesforce/label/c.Tieline_Guide_Call_Center";
import callCenterDo from "@salesforce/label/c.Tieline_Guide_Call_Center_Do";
import callCenterForeign from "@salesforce/label/c.Tieline_Guide_Call_Center_Foreign";
import callCenterNone from "@salesforce/label/c.Tieline_Guide_Call_Center_None";
import callCenterOk from "@salesforce/label/c.Tieline_Guide_Call_Center_Ok";
import client from "@salesforce/label/c.Tieline_Guide_Client";
import clientDo from "@salesforce/label/c.Tieline_Guide_Client_Do";
import clientNone from "@salesforce/label/c.Tieline_Guide_Client_None";
import clientNotFound from "@salesforce/label/c.Tieline_Guide_Client_Not_Found";
import clientOk from "@salesforce/label/c.Tieline_Guide_Client_Ok";
import codes from "@salesforce/label/c.Tieline_Guide_Codes";
import codesDefault from "@salesforce/label/c.Tieline_Guide_Codes_Default";
import codesDo from "@salesforce/label/c.Tieline_Guide_Codes_Do";
import codesLoading from "@salesforce/label/c.Tieline_Guide_Codes_Loading";
import codesNotTaken from "@salesforce/label/c.Tieline_Guide_Codes_Not_Taken";
import codesOk from "@salesforce/label/c.Tieline_Guide_Codes_Ok";
import connect from "@salesforce/label/c.Tieline_Guide_Connect";
import connectDisconnected from "@salesforce/label/c.Tieline_Guide_Connect_Disconnected";
import connectDo from "@salesforce/label/c.Tieline_Guide_Connect_Do";
import connectNeedsSignIn from "@salesforce/label/c.Tieline_Guide_Connect_Needs_Sign_In";
import connectNone from "@salesforce/label/c.Tieline_Guide_Connect_None";
import connectNotReachable from "@salesforce/label/c.Tieline_Guide_Connect_Not_Reachable";
import connectOk from "@salesforce/label/c.Tieline_Guide_Connect_Ok";
import layout from "@salesforce/label/c.Tieline_Guide_Layout";
import layoutDo from "@salesforce/label/c.Tieline_Guide_Layout_Do";
import layoutNoPop from "@salesforce/label/c.Tieline_Guide_Layout_No_Pop";
import layoutNotReported from "@salesforce/label/c.Tieline_Guide_Layout_Not_Reported";
import layoutOk from "@salesforce/label/c.Tieline_Guide_Layout_Ok";
import permissionSets from "@salesforce/label/c.Tieline_Guide_Permission_Sets";
import permissionSetsDo from "@salesforce/label/c.Tieline_Guide_Permission_Sets_Do";
import permissionSetsNone from "@salesforce/label/c.Tieline_Guide_Permission_Sets_None";
import permissionSetsOk from "@salesforce/label/c.Tieline_Guide_Permission_Sets_Ok";
import permissionSetsSome from "@salesforce/label/c.Tieline_Guide_Permission_Sets_Some";
import related from "@salesforce/label/c.Tieline_Guide_Related";
import relatedDo from "@salesforce/label/c.Tieline_Guide_Related_Do";
import relatedGone from "@salesforce/label/c.Tieline_Guide_Related_Gone";
import relatedNone from "@salesforce/label/c.Tieline_Guide_Related_None";
import relatedOk from "@salesforce/label/c.Tieline_Guide_Related_Ok";
import sync from "@salesforce/label/c.Tieline_Guide_Sync";
import syncDo from "@salesforce/label/c.Tieline_Guide_Sync_Do";
import syncGone from "@salesforce/label/c.Tieline_Guide_Sync_Gone";
import syncNoOmni from "@salesforce/label/c.Tieline_Guide_Sync_No_Omni";
import syncOff from "@salesforce/label/c.Tieline_Guide_Sync_Off";
import syncOk from "@salesforce/label/c.Tieline_Guide_Sync_Ok";
import syncUnmapped from "@salesforce/label/c.Tieline_Guide_Sync_Unmapped";
import test from "@salesforce/label/c.Tieline_Guide_Test";
import testDo from "@salesforce/label/c.Tieline_Guide_Test_Do";
import testFailed from "@salesforce/label/c.Tieline_Guide_Test_Failed";
import testNone from "@salesforce/label/c.Tieline_Guide_Test_None";
import testOk from "@salesforce/label/c.Tieline_Guide_Test_Ok";
import testPending from "@salesforce/label/c.Tieline_Guide_Test_Pending";
import users from "@salesforce/label/c.Tieline_Guide_Users";
import usersDo from "@salesforce/label/c.Tieline_Guide_Users_Do";
import usersNoCallCenter from "@salesforce/label/c.Tieline_Guide_Users_No_Call_Center";
import usersNone from "@salesforce/label/c.Tieline_Guide_Users_None";
import usersOk from "@salesforce/label/c.Tieline_Guide_Users_Ok";
import utilityItem from "@salesforce/label/c.Tieline_Guide_Utility_Item";
import utilityItemDo from "@salesforce/label/c.Tieline_Guide_Utility_Item_Do";
import utilityItemMissing from "@salesforce/label/c.Tieline_Guide_Utility_Item_Missing";
import utilityItemOk from "@salesforce/label/c.Tieline_Guide_Utility_Item_Ok";
import utilityItemUnknown from "@salesforce/label/c.Tieline_Guide_Utility_Item_Unknown";

/** Sentences that hold for several steps, by code. */
const ANY = {
  NOT_AUTHORIZED: anyNotAuthorized,
  NOT_CONNECTED: anyNotConnected,
  NOT_INSTALLED: anyNotInstalled,
  UNKNOWN: anyUnknown,
};

const WORDS = {
  authorize: {
    title: authorize,
    todo: authorizeDo,
    says: {
      OK: authorizeOk,
      NOT_AUTHORIZED: authorizeNotAuthorized,
      NO_PRINCIPAL: authorizeNoPrincipal,
      NOT_INSTALLED: authorizeNotInstalled,
      UNREACHABLE: authorizeUnreachable,
      REFUSED: authorizeRefused,
    },
  },
  connect: {
    title: connect,
    todo: connectDo,
    says: {
      OK: connectOk,
      NONE: connectNone,
      NOT_REACHABLE: connectNotReachable,
      NEEDS_SIGN_IN: connectNeedsSignIn,
      DISCONNECTED: connectDisconnected,
    },
  },
  callCenter: {
    title: callCenter,
    todo: callCenterDo,
    says: {
      OK: callCenterOk,
      NONE: callCenterNone,
      FOREIGN: callCenterForeign,
    },
  },
  utilityItem: {
    title: utilityItem,
    todo: utilityItemDo,
    says: {
      OK: utilityItemOk,
      MISSING: utilityItemMissing,
      UNKNOWN: utilityItemUnknown,
    },
  },
  permissionSets: {
    title: permissionSets,
    todo: permissionSetsDo,
    says: {
      OK: permissionSetsOk,
      NONE: permissionSetsNone,
      SOME: permissionSetsSome,
    },
  },
  users: {
    title: users,
    todo: usersDo,
    says: {
      OK: usersOk,
      NONE: usersNone,
      NO_CALL_CENTER: usersNoCallCenter,
    },
  },
  clientIntegration: {
    title: client,
    todo: clientDo,
    says: {
      OK: clientOk,
      NONE: clientNone,
      NOT_FOUND: clientNotFound,
    },
  },
  countryCodes: {
    title: codes,
    todo: codesDo,
    says: {
      OK: codesOk,
      DEFAULT: codesDefault,
      NOT_TAKEN: codesNotTaken,
      LOADING: codesLoading,
    },
  },
  statusSync: {
    title: sync,
    todo: syncDo,
    says: {
      OK: syncOk,
      NO_OMNI: syncNoOmni,
      OFF: syncOff,
      GONE: syncGone,
      UNMAPPED: syncUnmapped,
    },
  },
  relatedObjects: {
    title: related,
    todo: relatedDo,
    says: {
      OK: relatedOk,
      NONE: relatedNone,
      GONE: relatedGone,
    },
  },
  softphoneLayout: {
    title: layout,
    todo: layoutDo,
    says: {
      OK: layoutOk,
      NOT_REPORTED: layoutNotReported,
      NO_POP: layoutNoPop,
    },
  },
  testCall: {
    title: test,
    todo: testDo,
    says: {
      OK: testOk,
      NONE: testNone,
      PENDING: testPending,
      FAILED: testFailed,
    },
  },
};

export const titleOf = (name) => WORDS[name].title;
export const todoOf = (name) => WORDS[name].todo;

/** The sentence for a step's code, with its values yet to be filled in. */
export const sentenceOf = (name, code) => WORDS[name].says[code] ?? ANY[code] ?? code;
