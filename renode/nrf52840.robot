*** Comments ***
Runs a project's firmware on Renode and asserts what it says. In the project's folder:

    renode-test renode/nrf52840.robot --exclude fault
    renode-test renode/nrf52840.robot --exclude fault --variable BUDGET:300000
    renode-test renode/nrf52840.robot --include fault

BUDGET is the most instructions that one inference may take. The tests tagged fault need
firmware that was built to obey injected faults (docs/renode.md of tflm-gen). Count and text
are the same in every run.

*** Settings ***
Test Timeout      180 seconds

*** Variables ***
${REPL}           ${CURDIR}/nrf52840.repl
${BIN}            ${CURDIR}/../out/tflm/firmware.elf
${UART}           sysbus.uart0
${TIMER}          source=dwt hz=64000000
${BUDGET}         1000000000
${SECONDS}        60

*** Keywords ***
Boot Firmware
    Execute Command    mach create "nrf52840"
    Execute Command    machine LoadPlatformDescription @${REPL}
    Execute Command    sysbus LoadELF @${BIN}
    Create Terminal Tester    ${UART}    timeout=${SECONDS}
    Start Emulation

# The device waits for commands once it has said READY; a record of start-up that was
# passed by a wait is gone, so each test waits for records in the order they are sent.
Boot Until Ready
    Boot Firmware
    Register Failing Uart String    FAULT kind
    Wait For Line On Uart    ^\\$\\d+ READY status=0    treatAsRegex=true

*** Test Cases ***
Says Who It Is
    Boot Firmware
    Register Failing Uart String    FAULT kind
    Wait For Line On Uart    ^\\$0 BANNER wire=1 .* board=nrf52840    treatAsRegex=true

Counts Cycles
    Boot Firmware
    Register Failing Uart String    FAULT kind
    Wait For Line On Uart    ^\\$\\d+ TIMER ${TIMER} advancing=1    treatAsRegex=true

Passes Its Self Test
    Boot Firmware
    Register Failing Uart String    FAULT kind
    Wait For Line On Uart    ^\\$\\d+ SELFTEST bytes=[1-9]\\d* equal=1 first_difference=-1    treatAsRegex=true
    Wait For Line On Uart    ^\\$\\d+ READY status=0    treatAsRegex=true

Stays Within Its Instruction Budget
    Boot Until Ready
    Write Line To Uart    $0 BENCH warmup=2 runs=10 profile=0 *E551016A    waitForEcho=false
    ${line}=    Wait For Line On Uart    ^\\$\\d+ LATENCY what=invoke run=0 ticks=(\\d+)    treatAsRegex=true
    ${instructions}=    Convert To Integer    ${line.Groups[0]}
    Log To Console    ${instructions} instructions an inference (Renode, functional)
    Should Be True    ${instructions} <= ${BUDGET}
    Wait For Line On Uart    ^\\$\\d+ DONE command=0 status=ok    treatAsRegex=true

Reports A Fault
    [Tags]    fault
    Boot Firmware
    Wait For Line On Uart    ^\\$\\d+ READY    treatAsRegex=true
    Write Line To Uart    $0 INJECT kind=fault *D3857EC5    waitForEcho=false
    Wait For Line On Uart    ^\\$\\d+ FAULT kind=UsageFault phase=inject    treatAsRegex=true
