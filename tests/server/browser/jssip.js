// A phone with JsSIP in a page, driven through window.phone.
import JsSIP from "jssip";
import { audioOnly, audioStats, loopbackOnly, noIceServers, play, tell } from "./common.js";

const calls = { mediaConstraints: audioOnly, pcConfig: noIceServers };
let agent = null;
let session = null;

function follow(newSession) {
  session = newSession;
  session.on("peerconnection", (event) => play(event.peerconnection));
  if (session.connection) play(session.connection);
  session.on("sdp", (event) => {
    if (event.originator === "local") event.sdp = loopbackOnly(event.sdp);
  });
  // With the addresses of one machine gathering is over in milliseconds; one that hangs must not hang the call.
  session.on("icecandidate", (event) => setTimeout(() => event.ready(), 500));
  session.on("progress", (event) => tell("progress", { originator: event.originator, status: event.response?.status_code }));
  session.on("confirmed", (event) => tell("established", { originator: event.originator }));
  for (const end of ["ended", "failed"])
    session.on(end, (event) =>
      tell("ended", { originator: event.originator, cause: event.cause, status: event.message?.status_code }));
}

window.phone = {
  library: `JsSIP ${JsSIP.version}`,

  start({ url, user, domain, password, expires = 120 }) {
    const socket = new JsSIP.WebSocketInterface(url);
    agent = new JsSIP.UA({
      sockets: [socket],
      uri: `sip:${user}@${domain}`,
      password,
      register_expires: expires,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 2,
    });
    agent.on("connected", () => tell("connected"));
    agent.on("disconnected", (event) => tell("disconnected", { code: event.code, reason: event.reason }));
    agent.on("unregistered", () => tell("unregistered"));
    agent.on("newRTCSession", (event) => {
      if (event.originator !== "remote") return;
      follow(event.session);
      tell("incoming", { from: event.request.from.uri.toString() });
    });
    agent.on("newMessage", (event) => {
      if (event.originator === "remote")
        tell("message", { from: event.request.from.uri.toString(), text: event.request.body });
    });
    return new Promise((resolve, reject) => {
      agent.on("registered", () => {
        tell("registered");
        resolve();
      });
      agent.on("registrationFailed", (event) => {
        const status = event.response?.status_code;
        tell("refused", { status, cause: event.cause });
        reject(new Error(`registration failed: ${status ?? ""} ${event.cause}`));
      });
      agent.start();
    });
  },

  call(target) {
    follow(agent.call(target, { ...calls }));
  },
  answer() {
    session.answer({ ...calls });
  },
  reject(status = 486) {
    session.terminate({ status_code: status });
  },
  hangup() {
    session.terminate();
  },
  message(target, text) {
    return new Promise((resolve, reject) =>
      agent.sendMessage(target, text, {
        eventHandlers: {
          succeeded: (event) => resolve(event.response.status_code),
          failed: (event) => reject(new Error(`message failed: ${event.response?.status_code ?? ""} ${event.cause}`)),
        },
      }),
    );
  },
  stats() {
    return audioStats(session.connection);
  },
  stop() {
    agent.stop();
  },
};
