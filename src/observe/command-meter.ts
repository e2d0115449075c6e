/**
 * What a session tells of each command: the protocol log writes it down, the throttling budget pays for it. Sessions
 * know this interface and neither of the two.
 */

/** How much has gone over a connection so far, in octets; what waits to be read or sent counts. */
export interface TrafficCount {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export interface CommandMeter {
  /** False: nobody reads `parameters` and `context`, which may then be empty: they cost time with every command. */
  readonly wantsTexts?: boolean;
  /**
   * A command has come: milliseconds it has to wait before it may run.
   * @throws Failure LIMIT while the user's budget is used up
   */
  begin(): number;
  /**
   * It is answered. `parameters` are safe to be read by others. `costsNothing`: the time passed in waiting for the
   * client (IDLE), not in work.
   */
  end(answered: {
    readonly command: string;
    readonly parameters: string;
    readonly context: string;
    readonly traffic: TrafficCount;
    readonly costsNothing?: boolean;
  }): void;
  /** The session is over. */
  close(traffic: TrafficCount): void;
}
