*** Comments ***
Runs a project's firmware on Renode and asserts what it says. In the project's folder:

    renode-test renode/corstone300.robot

Needs a Renode with integer Helium instructions (a nightly of mid-July 2026 or newer).
There is no system counter in this machine, so no latency is asserted: the firmware says
that its timer stands still, and the instructions are counted by Renode.

*** Settings ***
Test Timeout      180 seconds

*** Variables ***
${REPL}           ${CURDIR}/corstone300.repl
${BIN}            ${CURDIR}/../out/tflm/firmware.elf
${UART}           sysbus.uart0
${SECONDS}        60

*** Keywords ***
Boot Firmware
    Execute Command    mach create "corstone300"
    Execute Command    machine LoadPlatformDescription @${REPL}
    Execute Command    sysbus LoadELF @${BIN}
    Execute Command    cpu VectorTableOffset 0x0
    Create Terminal Tester    ${UART}    timeout=${SECONDS}
    Start Emulation

*** Test Cases ***
Passes Its Self Test
    Boot Firmware
    Register Failing Uart String    FAULT kind
    Wait For Line On Uart    ^\\$0 BANNER wire=1 .* board=corstone300    treatAsRegex=true
    Wait For Line On Uart    ^\\$\\d+ SELFTEST bytes=[1-9]\\d* equal=1 first_difference=-1    treatAsRegex=true
    Wait For Line On Uart    ^\\$\\d+ READY status=0    treatAsRegex=true
    ${instructions}=    Execute Command    cpu ExecutedInstructions
    Log To Console    ${instructions} instructions from reset to READY (Renode, functional)
