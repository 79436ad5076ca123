// Clears the macros of one inclusion of wire_records.def. Included many times.
#undef ECG_RECORD_BEGIN
#undef ECG_RECORD_END
#undef ECG_COMMAND_BEGIN
#undef ECG_COMMAND_END
#undef ECG_FIELD_U32
#undef ECG_FIELD_U64
#undef ECG_FIELD_I32
#undef ECG_FIELD_HEX32
#undef ECG_FIELD_STR
#undef ECG_FIELD_BYTES
