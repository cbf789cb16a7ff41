/** What every page with audio needs of WebRTC: a microphone with its troubles named, and a complete offer. */

export type MicrophoneTrouble = "denied" | "missing" | "busy" | "unsupported";

/** The microphone could not be opened, and why. */
export class MicrophoneRefused extends Error {
  readonly trouble: MicrophoneTrouble;

  constructor(trouble: MicrophoneTrouble) {
    super(trouble);
    this.trouble = trouble;
  }
}

const CONSTRAINTS: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

/** Opens the microphone; throws `MicrophoneRefused`. The caller stops the track. */
export async function openMicrophone(): Promise<MediaStreamTrack> {
  // Absent where the page is no secure context.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices?.getUserMedia) throw new MicrophoneRefused("unsupported");
  try {
    const stream = await devices.getUserMedia(CONSTRAINTS);
    const track = stream.getAudioTracks()[0];
    if (!track) throw new MicrophoneRefused("missing");
    return track;
  } catch (error) {
    if (error instanceof MicrophoneRefused) throw error;
    throw new MicrophoneRefused(troubleOf(error));
  }
}

function troubleOf(error: unknown): MicrophoneTrouble {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    default:
      return "busy";
  }
}

/** Whether the browser will ask, has been told yes, or no; `prompt` where it does not say. */
export async function microphonePermission(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: "microphone" })).state;
  } catch {
    return "prompt";
  }
}

/** How long gathering may take: without ICE servers there are only our own addresses, found in milliseconds. */
const GATHER_LIMIT_MS = 2_000;

/** Makes the offer, lets the browser gather all candidates, and gives the whole SDP. */
export async function completeOffer(peer: RTCPeerConnection): Promise<string> {
  await peer.setLocalDescription(await peer.createOffer());
  if (peer.iceGatheringState !== "complete") {
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, GATHER_LIMIT_MS);
      peer.onicegatheringstatechange = () => {
        if (peer.iceGatheringState !== "complete") return;
        clearTimeout(limit);
        peer.onicegatheringstatechange = null;
        resolve();
      };
    });
  }
  return peer.localDescription?.sdp ?? "";
}
