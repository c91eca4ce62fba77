// A phone with SIP.js in a page, driven through window.phone.
import { Inviter, Messager, Registerer, RegistererState, SessionState, UserAgent, version } from "sip.js";
import { audioOnly, audioStats, loopbackOnly, noIceServers, play, tell } from "./common.js";

const calls = { sessionDescriptionHandlerOptions: { constraints: audioOnly, iceGatheringTimeout: 500 } };
let agent = null;
let registerer = null;
let session = null;
let answered = { resolve() {}, reject() {} }; // of the first registration

const statusOf = (response) => response.message.statusCode;

/** On every new connection: SIP.js connects again by itself, but registers only when told. */
function register() {
  const onAccept = () => {
    tell("registered");
    answered.resolve();
  };
  const onReject = (response) => {
    tell("refused", { status: statusOf(response) });
    answered.reject(new Error(`registration failed: ${statusOf(response)}`));
  };
  registerer.register({ requestDelegate: { onAccept, onReject } }).catch(answered.reject);
}

/** SIP.js makes the peer connection when the session needs it; play it as soon as it is there. */
const delegateOfSession = {
  onSessionDescriptionHandler: (handler) => play(handler.peerConnection),
};

function follow(newSession) {
  session = newSession;
  session.delegate = delegateOfSession;
  session.stateChange.addListener((state) => {
    if (state === SessionState.Established) tell("established");
    if (state === SessionState.Terminated) tell("ended");
  });
}

const keepOnLoopback = (description) => Promise.resolve({ ...description, sdp: loopbackOnly(description.sdp) });

window.phone = {
  library: `SIP.js ${version}`,

  start({ url, user, domain, password, expires = 120 }) {
    agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${user}@${domain}`),
      transportOptions: { server: url, keepAliveInterval: 1 },
      authorizationUsername: user,
      authorizationPassword: password,
      logLevel: "error",
      reconnectionAttempts: 10,
      reconnectionDelay: 1,
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: noIceServers },
      delegate: {
        onConnect: () => {
          tell("connected");
          register();
        },
        onDisconnect: (error) => tell("disconnected", { reason: error?.message }),
        onInvite: (invitation) => {
          follow(invitation);
          tell("incoming", { from: invitation.remoteIdentity.uri.toString() });
        },
        onMessage: async (message) => {
          await message.accept();
          tell("message", { from: message.request.from.uri.toString(), text: message.request.body });
        },
      },
    });
    registerer = new Registerer(agent, { expires });
    registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Unregistered) tell("unregistered");
    });
    return new Promise((resolve, reject) => {
      answered = { resolve, reject };
      agent.start().catch(reject);
    });
  },

  async call(target) {
    const inviter = new Inviter(agent, UserAgent.makeURI(target), {
      ...calls,
      sessionDescriptionHandlerModifiers: [keepOnLoopback],
    });
    follow(inviter);
    await inviter.invite({
      requestDelegate: {
        onProgress: (response) => tell("progress", { status: statusOf(response) }),
        onReject: (response) => tell("rejected", { status: statusOf(response) }),
      },
    });
  },
  answer() {
    return session.accept({ ...calls, sessionDescriptionHandlerModifiers: [keepOnLoopback] });
  },
  reject(status = 486) {
    return session.reject({ statusCode: status });
  },
  async hangup() {
    if (session.state === SessionState.Established) await session.bye();
    else await session.cancel();
  },
  message(target, text) {
    return new Promise((resolve, reject) =>
      new Messager(agent, UserAgent.makeURI(target), text)
        .message({
          requestDelegate: {
            onAccept: (response) => resolve(statusOf(response)),
            onReject: (response) => reject(new Error(`message failed: ${statusOf(response)}`)),
          },
        })
        .catch(reject),
    );
  },
  stats() {
    return audioStats(session.sessionDescriptionHandler.peerConnection);
  },
  async stop() {
    await registerer.unregister();
    await agent.stop();
  },
};
