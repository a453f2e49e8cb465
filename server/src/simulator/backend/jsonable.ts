/** Data as JSON has it. */

/** The same with integers of 64 bits (error codes, addresses) as hexadecimal texts. */
export const jsonable = (data: unknown): unknown =>
  JSON.parse(
    JSON.stringify(data, (_, value: unknown) =>
      typeof value === 'bigint' ? `0x${BigInt.asUintN(64, value).toString(16)}` : value,
    ),
  );
