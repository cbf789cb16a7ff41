import { portalUrl, settingsChanged } from "c/tielinePing";
import portal from "@salesforce/apex/TielineSettings.portal";

jest.mock("@salesforce/apex/TielineSettings.portal", () => ({ default: jest.fn() }), { virtual: true });

describe("c/tielinePing", () => {
  beforeEach(() => {
    global.fetch = jest.fn().mockResolvedValue({});
  });
  afterEach(() => {
    jest.resetAllMocks();
    delete global.fetch;
  });

  it("tells the contact center without any content", async () => {
    portal.mockResolvedValue("https://acme.contact.example.com");
    await settingsChanged();
    const [url, asked] = global.fetch.mock.calls[0];
    expect(url).toBe("https://acme.contact.example.com/api/v1/salesforce/settings-changed");
    expect(asked).toEqual({ method: "POST", mode: "no-cors", credentials: "omit" });
  });

  it("tells nobody while there is no call center", async () => {
    portal.mockResolvedValue(null);
    await settingsChanged();
    expect(global.fetch).not.toHaveBeenCalled();
  });

  it("does not fail where the contact center cannot be reached or the address not be read", async () => {
    portal.mockResolvedValue("https://acme.contact.example.com");
    global.fetch.mockRejectedValue(new TypeError("Failed to fetch"));
    await expect(settingsChanged()).resolves.toBeUndefined();
    portal.mockRejectedValue({ status: 403 });
    await expect(portalUrl()).resolves.toBeNull();
  });
});
