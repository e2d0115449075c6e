/** How a probe last went: what Get-ServerHealth shows. */
export interface HealthEntry {
  readonly probe: string;
  readonly healthSet: string;
  readonly says: string;
  /** Disabled: the service does not run by an admin's will. Unknown: not probed yet. */
  readonly state: 'Healthy' | 'Unhealthy' | 'Disabled' | 'Unknown';
  /** Milliseconds since 1970; null: never. */
  readonly at: number | null;
  readonly latencyMs: number | null;
  /** Empty when healthy. */
  readonly error: string;
  /** Milliseconds since 1970 since when it is in this state. */
  readonly since: number;
}
