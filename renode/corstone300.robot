*** Comments ***
Runs a project's firmware on Renode and asserts what it says. In the project's folder:

    renode-test renode/corstone300.robot --exclude fault
    renode-test renode/corstone300.robot --exclude fault --variable BUDGET:3000000
    renode-test renode/corstone300.robot --include fault

Needs a Renode with integer Helium instructions (a nightly of mid-July 2026 or newer).
There is no system counter in this machine and the firmware says that its timer stands still;
so Renode counts, and BUDGET is the most instructions from reset to READY, two inferences
among them. The tests tagged fault need firmware that was built to obey injected faults
(docs/renode.md of tflm-gen).

*** Settings ***
Test Timeout      180 seconds

*** Variables ***
${REPL}           ${CURDIR}/corstone300.repl
${BIN}            ${CURDIR}/../out/tflm/firmware.elf
${UART}           sysbus.uart0
${BUDGET}         1000000000
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

Stays Within Its Instruction Budget
    Boot Firmware
    Register Failing Uart String    FAULT kind
    # The machine stops at that line: what is counted does not depend on this host's speed.
    Wait For Line On Uart    ^\\$\\d+ READY status=0    treatAsRegex=true    pauseEmulation=true
    ${count}=    Execute Command    cpu ExecutedInstructions
    ${instructions}=    Evaluate    int($count.strip(), 16)
    Log To Console    ${instructions} instructions from reset to READY (Renode, functional)
    Should Be True    0 < ${instructions} <= ${BUDGET}

Reports A Fault
    [Tags]    fault
    Boot Firmware
    Wait For Line On Uart    ^\\$\\d+ READY    treatAsRegex=true
    Write Line To Uart    $0 INJECT kind=fault *D3857EC5    waitForEcho=false
    Wait For Line On Uart    ^\\$\\d+ FAULT kind=UsageFault phase=inject    treatAsRegex=true
